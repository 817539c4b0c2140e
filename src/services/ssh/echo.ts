import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { AutopodError } from '../../errors.ts';
import { echoArguments, sshEnvironment } from './args.ts';

export interface EchoTimings {
  /** Milliseconds between two beats. */
  beatMs: number;
  /** Milliseconds without an answer after which the path counts as dead. */
  deadAfterMs: number;
}

/**
 * A session over a master connection that sends a byte each beat and expects it back: the proof that answers
 * come through. Ends with the process that started it, the master does not.
 */
export class Echo {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #ended: Promise<void>;
  #lastAnswer = 0;
  #answered: (() => void)[] = [];

  constructor(control: string) {
    this.#child = spawn('ssh', echoArguments(control), {
      stdio: 'pipe',
      env: sshEnvironment(process.env),
      cwd: '/',
    });
    this.#ended = new Promise((resolve) => {
      this.#child.once('close', () => resolve());
      this.#child.once('error', () => resolve());
    });
    // A write may meet a session that has just ended; its end is told by `close`.
    this.#child.stdin.on('error', () => undefined);
    this.#child.stderr.resume();
    this.#child.stdout.on('data', () => {
      this.#lastAnswer = performance.now();
      for (const tell of this.#answered.splice(0)) tell();
    });
  }

  /** Resolves true on the next answer, false when the session ends or `withinMs` passes without one. */
  async answers(withinMs: number, signal: AbortSignal): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const answered = new Promise<boolean>((resolve) => this.#answered.push(() => resolve(true)));
    const silent = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), withinMs);
      signal.addEventListener('abort', () => resolve(false), { once: true });
    });
    this.#child.stdin.write('.');
    try {
      return await Promise.race([answered, silent, this.#ended.then(() => false)]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Beats until no answer comes for too long or the session ends; then throws why. */
  async hold({ beatMs, deadAfterMs }: EchoTimings, signal: AbortSignal): Promise<never> {
    this.#lastAnswer = performance.now();
    let lastTick = Date.now();
    return new Promise<never>((_, reject) => {
      const stop = (reason: unknown) => {
        clearInterval(timer);
        signal.removeEventListener('abort', aborted);
        reject(reason);
      };
      const aborted = () => stop(signal.reason);
      const timer = setInterval(() => {
        const now = Date.now();
        // Timers stand still while the machine sleeps: after a wake the path is asked afresh.
        const hasSlept = now - lastTick > beatMs * 3 + 1_000;
        lastTick = now;
        if (hasSlept) this.#lastAnswer = Math.min(this.#lastAnswer, performance.now() - deadAfterMs + beatMs);
        this.#child.stdin.write('.');
        const silentMs = performance.now() - this.#lastAnswer;
        if (silentMs > deadAfterMs) {
          const detail = `no answer for ${(silentMs / 1000).toFixed(1)} s`;
          stop(new AutopodError('sshUnreachable', { detail }));
        }
      }, beatMs);
      signal.addEventListener('abort', aborted, { once: true });
      void this.#ended.then(() => stop(new AutopodError('sshUnreachable', { detail: 'ssh ended' })));
    });
  }

  end(): void {
    this.#child.kill('SIGKILL');
  }
}
