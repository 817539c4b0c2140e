import { setTimeout as sleep } from 'node:timers/promises';
import type { Generation } from '../machines/tunnel.ts';
import { Echo } from '../services/ssh/echo.ts';
import { endMaster, isStopped, type MasterFiles, masterFiles, masterPid } from '../services/ssh/master.ts';
import { sessionsThrough } from '../services/ssh/sessions.ts';

interface Live {
  generation: Generation;
  /** As the master told it itself. */
  pid?: number;
  /** Session that asks whether it answers, while nobody waits for that. */
  echo?: Echo;
  ending?: Promise<void>;
}

/** Milliseconds between two looks at whether a replaced ssh is still used. */
const DRAIN_LOOK_MS = 250;
/** Milliseconds without an answer after which one that has answered since carries nothing any more. */
const DRAIN_SILENT_MS = 20_000;
/** Milliseconds one that has not may be later than TCP's next repeat, which comes when the outage has doubled at the latest. */
const DRAIN_LATE_MS = 4_000;
/** Milliseconds after which it ends where the system does not tell whether a shell still runs through it. */
const DRAIN_UNTOLD_MS = 10 * 60_000;

/** Every ssh of one tunnel that may run: in use, suspect, just being opened, or draining. None is forgotten. */
export class Generations {
  readonly #runtime: string;
  readonly #carriesStream: (forward: string) => boolean;
  readonly #live = new Map<string, Live>();

  /** `carriesStream` tells whether a client is still joined to a forward's Unix socket. */
  constructor(runtime: string, carriesStream: (forward: string) => boolean) {
    this.#runtime = runtime;
    this.#carriesStream = carriesStream;
  }

  filesOf({ id }: Generation): MasterFiles {
    return masterFiles(this.#runtime, id);
  }

  pidOf({ id }: Generation): number | undefined {
    return this.#live.get(id)?.pid;
  }

  /** To be called before its ssh is started. */
  add(generation: Generation): void {
    if (!this.#live.has(generation.id)) this.#live.set(generation.id, { generation });
  }

  /** Whether its ssh answers at the control socket. */
  async lives(generation: Generation): Promise<boolean> {
    const pid = await masterPid(this.filesOf(generation));
    const live = this.#live.get(generation.id);
    if (live && pid !== undefined) live.pid = pid;
    return pid !== undefined;
  }

  keepEcho({ id }: Generation, echo: Echo): void {
    const live = this.#live.get(id);
    if (live) live.echo = echo;
    else echo.end();
  }

  /** The session that was kept, or another one. */
  takeEcho(generation: Generation): Echo {
    const live = this.#live.get(generation.id);
    const kept = live?.echo;
    delete live?.echo;
    return kept && !kept.hasEnded ? kept : new Echo(this.filesOf(generation).control);
  }

  async end({ id }: Generation): Promise<void> {
    const live = this.#live.get(id);
    if (!live) return;
    live.echo?.end();
    live.ending ??= endMaster(this.filesOf(live.generation), live.pid).finally(() => this.#live.delete(id));
    await live.ending;
  }

  async endAll(): Promise<void> {
    await Promise.all([...this.#live.values()].map(({ generation }) => this.end(generation)));
  }

  /**
   * Lets a replaced ssh, silent for `silentMs` by now, carry its streams and shells to their end, if it comes back and as
   * long as it answers now and then.
   */
  drain(generation: Generation, silentMs: number): void {
    const live = this.#live.get(generation.id);
    if (!live) return;
    const drain = async (): Promise<void> => {
      let echo = this.takeEcho(generation);
      const begunAt = performance.now();
      let lastAnswerAt = begunAt;
      let patienceMs = silentMs + DRAIN_LATE_MS;
      while (performance.now() - lastAnswerAt < patienceMs) {
        if (await echo.answers(DRAIN_LOOK_MS)) {
          lastAnswerAt = performance.now();
          patienceMs = DRAIN_SILENT_MS;
        }
        if (!(await this.#isUsed(live, echo.hasEnded ? 0 : 1, performance.now() - begunAt))) break;
        await sleep(DRAIN_LOOK_MS);
        if (echo.hasEnded) echo = new Echo(this.filesOf(generation).control);
      }
      echo.end();
      await this.end(generation);
    };
    drain().catch(() => undefined);
  }

  async #isUsed({ generation, pid, ending }: Live, ownSessions: number, drainedMs: number): Promise<boolean> {
    if (ending || (pid !== undefined && (await isStopped(pid)))) return false;
    const { control, forward } = this.filesOf(generation);
    if (this.#carriesStream(forward)) return true;
    const sessions = await sessionsThrough(control);
    return sessions === undefined ? drainedMs < DRAIN_UNTOLD_MS : sessions > ownSessions;
  }
}
