import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { steadyMs } from '../../clock.ts';
import { AutopodError } from '../../errors.ts';
import { sessionArguments, sshEnvironment } from './args.ts';
import type { Challenge, Verdict } from './challenge.ts';
import type { SendState } from './sending.ts';

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
  /** What becomes of bytes on their way to the pod; undefined where the system does not tell. */
  sending(): Promise<SendState | undefined>;
  /** Bytes ssh has read in all, whoever they are for: copies and shells share the connection. Undefined where the system does not tell. */
  read(): Promise<number | undefined>;
}

/** The first thing a session says: what its answer to the challenge was, or, where it had none, that it echoes. */
export type FirstWord = Verdict | 'echo';

/** Milliseconds between two looks at bytes on their way. */
const SENDING_LOOK_MS = 250;
/** Bytes read between two looks from which on something comes from the pod: beats of our own are a few. */
const COMING_BYTES = 1_024;
/** Milliseconds by which a beat is late when the machine, or this process, stood still. */
const ASLEEP_MS = 3_000;

/**
 * A session over a master connection that sends a byte each beat and expects it back: the proof that answers
 * come through. Where there is a challenge it is answered first, and only then is a byte one. Ends with the process
 * that started it, the master does not.
 */
export class Echo {
  readonly #child: ChildProcessWithoutNullStreams;
  /** Resolves when the session has ended. */
  readonly ended: Promise<void>;
  /** Never resolves for a session that says nothing. */
  readonly firstWord: Promise<FirstWord>;
  #answered: (() => void)[] = [];
  #hasEnded = false;
  #hasSpoken = false;

  constructor(control: string, challenge?: Challenge) {
    this.#child = spawn('ssh', sessionArguments(control, challenge?.command ?? 'exec cat'), {
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
    this.firstWord = new Promise((resolve) => {
      this.#child.stdout.on('data', (said: Buffer) => {
        const word = this.#hasSpoken || !challenge ? 'echo' : challenge.read(said);
        if (word === undefined) return;
        this.#hasSpoken = true;
        resolve(word);
        for (const tell of this.#answered.splice(0)) tell();
      });
    });
  }

  /** Sends a byte that is to come back. */
  beat(): void {
    this.#child.stdin.write('.');
  }

  /** How many sessions of the connection are its own. */
  get sessions(): number {
    return this.#hasEnded ? 0 : 1;
  }

  /** Resolves true on the next answer, false when the session ends or `withinMs` passes without one. */
  async answers(withinMs: number, signal?: AbortSignal): Promise<boolean> {
    const over = new AbortController();
    const until = AbortSignal.any([over.signal, ...(signal ? [signal] : [])]);
    const answered = new Promise<boolean>((resolve) => this.#answered.push(() => resolve(true)));
    const silent = sleep(withinMs, false, { signal: until }).catch(() => false);
    this.beat();
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
    { flowedAt, sending, read }: Traffic,
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
      let readBefore: number | undefined;
      const isComing = async () => {
        const before = readBefore;
        readBefore = await read();
        return before !== undefined && readBefore !== undefined && readBefore - before >= COMING_BYTES;
      };
      // What is repeated goes nowhere, and what ssh reads then is what it was given to send.
      const carries = async (comes: boolean) => {
        const state = await sending();
        return state === 'acknowledged' || (comes && state === 'none');
      };
      const listen = async () => {
        if (hasSlept()) return dieAsleep();
        const comes = await isComing();
        if (isOver) return;
        const leftMs = () => Math.max(heardAt, flowedAt()) + deadAfterMs - performance.now();
        const isSilent = leftMs() <= 0 && !(await carries(comes)) && leftMs() <= 0;
        if (isOver) return;
        if (isSilent) die(`no answer for ${deadAfterMs / 1000} s`);
        else silence = setTimeout(listen, Math.max(leftMs(), SENDING_LOOK_MS));
      };
      let silence = setTimeout(listen, deadAfterMs);
      const beat = setInterval(() => {
        if (hasSlept()) return dieAsleep();
        lastTick = steadyMs();
        this.beat();
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
