import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { steadyMs } from '../../clock.ts';
import { AutopodError } from '../../errors.ts';
import { echoArguments, sshEnvironment } from './args.ts';

export interface EchoTimings {
  /** Milliseconds between two beats. */
  beatMs: number;
  /** Milliseconds without an answer after which the path counts as dead. */
  deadAfterMs: number;
}

/** What else goes through the connection. */
export interface Traffic {
  /** When bytes last came through, by the clock of performance.now(). */
  flowedAt(): number;
  /** Whether bytes on their way to the pod are being acknowledged. */
  isSending(): Promise<boolean>;
}

/** Milliseconds between two looks at bytes on their way. */
const SENDING_LOOK_MS = 250;
/** Milliseconds by which a beat is late when the machine, or this process, stood still. */
const ASLEEP_MS = 3_000;

/**
 * A session over a master connection that sends a byte each beat and expects it back: the proof that answers
 * come through. Ends with the process that started it, the master does not.
 */
export class Echo {
  readonly #child: ChildProcessWithoutNullStreams;
  /** Resolves when the session has ended. */
  readonly ended: Promise<void>;
  #answered: (() => void)[] = [];
  #hasEnded = false;

  constructor(control: string) {
    this.#child = spawn('ssh', echoArguments(control), {
      stdio: 'pipe',
      env: sshEnvironment(process.env),
      cwd: '/',
    });
    this.ended = new Promise((resolve) => {
      this.#child.once('close', () => resolve());
      this.#child.once('error', () => resolve());
    });
    void this.ended.then(() => {
      this.#hasEnded = true;
    });
    // A write may meet a session that has just ended; its end is told by `close`.
    this.#child.stdin.on('error', () => undefined);
    this.#child.stderr.resume();
    this.#child.stdout.on('data', () => {
      for (const tell of this.#answered.splice(0)) tell();
    });
  }

  /** Resolves true on the next answer, false when the session ends or `withinMs` passes without one. */
  async answers(withinMs: number, signal?: AbortSignal): Promise<boolean> {
    const over = new AbortController();
    const until = AbortSignal.any([over.signal, ...(signal ? [signal] : [])]);
    const answered = new Promise<boolean>((resolve) => this.#answered.push(() => resolve(true)));
    const silent = sleep(withinMs, false, { signal: until }).catch(() => false);
    this.#child.stdin.write('.');
    try {
      return await Promise.race([answered, silent, this.ended.then(() => false)]);
    } finally {
      over.abort();
    }
  }

  /**
   * Beats until no answer comes for too long, the machine has slept or the session ends; then throws why. An answer
   * may stand in line behind other bytes, so those count as well.
   */
  async hold(
    { beatMs, deadAfterMs }: EchoTimings,
    { flowedAt, isSending }: Traffic,
    signal: AbortSignal,
  ): Promise<never> {
    let lastTick = steadyMs();
    let heardAt = performance.now();
    return new Promise<never>((_, reject) => {
      let isOver = false;
      const stop = (reason: unknown) => {
        isOver = true;
        clearInterval(beat);
        clearTimeout(silence);
        this.#child.stdout.off('data', heard);
        signal.removeEventListener('abort', aborted);
        reject(reason);
      };
      const die = (detail: string) => stop(new AutopodError('sshUnreachable', { detail }));
      const aborted = () => stop(signal.reason);
      const heard = () => {
        heardAt = performance.now();
      };
      // Timers stand still while the machine sleeps, and the path may have died meanwhile.
      const hasSlept = () => steadyMs() - lastTick > beatMs + ASLEEP_MS;
      const dieAsleep = () => die(`this machine slept for ${Math.round((steadyMs() - lastTick) / 1000)} s`);
      const listen = async () => {
        if (hasSlept()) return dieAsleep();
        const leftMs = () => Math.max(heardAt, flowedAt()) + deadAfterMs - performance.now();
        const isSilent = leftMs() <= 0 && !(await isSending()) && leftMs() <= 0;
        if (isOver) return;
        if (isSilent) die(`no answer for ${deadAfterMs / 1000} s`);
        else silence = setTimeout(listen, Math.max(leftMs(), SENDING_LOOK_MS));
      };
      let silence = setTimeout(listen, deadAfterMs);
      const beat = setInterval(() => {
        if (hasSlept()) return dieAsleep();
        lastTick = steadyMs();
        this.#child.stdin.write('.');
      }, beatMs);
      this.#child.stdout.on('data', heard);
      signal.addEventListener('abort', aborted, { once: true });
      void this.ended.then(() => die('ssh ended'));
    });
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  end(): void {
    this.#child.kill('SIGKILL');
  }
}
