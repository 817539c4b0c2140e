import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AutopodError } from '../errors.ts';
import type { Generation, Opened, SshAddress, TunnelWish } from '../machines/tunnel.ts';
import { Echo } from '../services/ssh/echo.ts';
import { endMaster, type MasterFiles, masterFiles, masterPid, startMaster } from '../services/ssh/master.ts';
import { knock } from './knock.ts';
import type { Locator } from './locate.ts';
import { watchPod } from './pod-watch.ts';
import type { KeeperTimings } from './timings.ts';

export interface ForwardingOptions {
  locator: Locator;
  timings: KeeperTimings;
  /** Folder of the Unix sockets. */
  runtime: string;
  knownHosts: string;
}

/** The clients' side of a tunnel. */
export interface ForwardingStreams {
  /** Whether a client is still joined to a forward's Unix socket. */
  uses(forward: string): boolean;
  /** Told of a forward that is set up and has yet to prove that answers come through: those who wait may try it. */
  onForward(forward: string): void;
  /** Told that it did not prove it. */
  onForwardFailed(forward: string): void;
}

/** Milliseconds between two looks at whether a replaced ssh still carries streams. */
const DRAIN_LOOK_MS = 250;
/** Milliseconds without an answer after which it carries them no more: longer than ssh's own keepalive takes. */
const DRAIN_SILENT_MS = 20_000;

/** The effects of one tunnel: opens, holds and closes generations of ssh. */
export class Forwarding {
  readonly #options: ForwardingOptions;
  readonly #echoes = new Map<string, Echo>();
  readonly #draining = new Map<string, Generation>();
  readonly #streams: ForwardingStreams;
  #lastAddress: SshAddress | undefined;
  readonly #pids = new Map<string, number>();

  constructor(options: ForwardingOptions, streams: ForwardingStreams) {
    this.#options = options;
    this.#streams = streams;
  }

  /** Process id of an ssh, as it told itself. */
  pidOf({ id }: Generation): number | undefined {
    return this.#pids.get(id);
  }

  filesOf({ id }: Generation): MasterFiles {
    return masterFiles(this.#options.runtime, id);
  }

  /**
   * Opens a forward beside the suspect one, if there is one: whichever answers first is used, and the other ended.
   * A replaced suspect lives on until its last stream has ended, so that streams in flight survive a short outage.
   */
  async open(wish: TunnelWish, suspect: Generation | null, signal: AbortSignal): Promise<Opened> {
    if (!suspect) return this.#openFresh(wish, signal);
    this.#lastAddress ??= suspect.address;
    const lost = new AbortController();
    const racing = AbortSignal.any([signal, lost.signal]);
    const fresh = this.#openFresh(wish, racing);
    const recovered = this.#recover(suspect, racing).then(async (isBack): Promise<Opened> => {
      if (isBack) return { kind: 'open', generation: suspect };
      // One that is dead itself is of no use to the next attempt.
      if (!racing.aborted) await this.#end(suspect);
      return new Promise<never>(() => undefined);
    });
    try {
      const opened = await Promise.race([recovered, fresh]);
      if (opened.kind === 'open' && opened.generation.id === suspect.id) this.#endIfLate(fresh);
      else this.#drain(suspect);
      return opened;
    } finally {
      lost.abort();
    }
  }

  /** Ends, with an error, when no answer comes through any more. */
  async hold(generation: Generation, signal: AbortSignal): Promise<never> {
    const echo = this.#echoes.get(generation.id) ?? new Echo(this.filesOf(generation).control);
    try {
      return await echo.hold(this.#options.timings, signal);
    } finally {
      echo.end();
      this.#echoes.delete(generation.id);
    }
  }

  // The race was won by the suspect, but its successor may be up in the same moment.
  #endIfLate(fresh: Promise<Opened>): void {
    fresh.then(
      (late) => (late.kind === 'open' ? this.#end(late.generation) : undefined),
      () => undefined,
    );
  }

  async close(generation: Generation | null): Promise<void> {
    const replaced = [...this.#draining.values()];
    await Promise.all([...(generation ? [generation] : []), ...replaced].map((one) => this.#end(one)));
  }

  /** Lets a replaced ssh carry its streams to their end, as long as it answers now and then. */
  #drain(generation: Generation): void {
    const { control, forward } = this.filesOf(generation);
    this.#draining.set(generation.id, generation);
    const drain = async (): Promise<void> => {
      const echo = new Echo(control);
      for (let lastAnswerAt = Date.now(); Date.now() - lastAnswerAt < DRAIN_SILENT_MS; ) {
        await sleep(DRAIN_LOOK_MS);
        if (!this.#streams.uses(forward)) break;
        if (await echo.answers(DRAIN_LOOK_MS)) lastAnswerAt = Date.now();
      }
      echo.end();
      await this.#end(generation);
      this.#draining.delete(generation.id);
    };
    void drain();
  }

  /** Whether the suspect answers again, or still: asked until it does or its ssh ends. */
  async #recover(suspect: Generation, signal: AbortSignal): Promise<boolean> {
    const { control } = this.filesOf(suspect);
    while (!signal.aborted && (await this.#lives(suspect))) {
      const echo = new Echo(control);
      if (await echo.answers(this.#options.timings.deadAfterMs, signal)) {
        this.#echoes.set(suspect.id, echo);
        return true;
      }
      echo.end();
    }
    return false;
  }

  /**
   * Knocks where the pod was last, while RunPod is asked where it is now; the attempt moves when the pod has. So a
   * network that comes back is used at once, and a pod that moved is found although its old address may be another's.
   */
  async #openFresh(wish: TunnelWish, signal: AbortSignal): Promise<Opened> {
    for (;;) {
      const over = new AbortController();
      const scope = AbortSignal.any([signal, over.signal]);
      const watch = watchPod(this.#options, wish.podId, this.#lastAddress, scope);
      watch.elsewhere.catch(() => undefined);
      const attempt = this.#lastAddress && this.#openAt(wish, this.#lastAddress, scope);
      try {
        const result = await (attempt ? Promise.race([attempt, watch.elsewhere]) : watch.elsewhere);
        if (result.kind === 'open') return result;
        if (attempt) this.#endIfLate(attempt);
        if (result.kind !== 'running') return { kind: 'podNotRunning' };
        this.#lastAddress = result.address;
      } catch (error) {
        // What the old address says counts only if RunPod says that the pod is still there.
        signal.throwIfAborted();
        if (!attempt || (await watch.first) !== 'elsewhere') throw error;
        const moved = await watch.elsewhere;
        if (moved.kind !== 'running') return { kind: 'podNotRunning' };
        this.#lastAddress = moved.address;
      } finally {
        over.abort();
      }
    }
  }

  async #openAt(wish: TunnelWish, address: SshAddress, signal: AbortSignal): Promise<Opened> {
    await knock(address, this.#options.timings.knockMs, signal);
    const generation: Generation = { id: randomBytes(6).toString('hex'), address };
    try {
      await this.#prove(wish, generation, signal);
    } catch (error) {
      this.#streams.onForwardFailed(this.filesOf(generation).forward);
      await this.#end(generation);
      throw this.#isJustBooted(error, address) ? unreachable(wish, 'its keys are not written yet') : error;
    }
    return { kind: 'open', generation };
  }

  async #prove(wish: TunnelWish, generation: Generation, signal: AbortSignal): Promise<void> {
    const { timings, knownHosts } = this.#options;
    const files = this.filesOf(generation);
    const { address } = generation;
    const target = {
      ...address,
      podId: wish.podId,
      keyPath: wish.keyPath,
      needsAgent: wish.needsAgent,
      knownHostsPath: join(knownHosts, wish.podId),
    };
    const tooLong = AbortSignal.timeout(timings.openTimeoutMs);
    const bounded = AbortSignal.any([signal, tooLong]);
    try {
      await startMaster(target, files, wish.remotePort, bounded);
    } catch (error) {
      if (tooLong.aborted && !signal.aborted) throw unreachable(wish, 'ssh did not get through in time');
      throw error;
    }
    this.#streams.onForward(files.forward);
    const echo = new Echo(files.control);
    const [isAnswering] = await Promise.all([
      echo.answers(timings.openTimeoutMs, bounded),
      this.#lives(generation),
    ]);
    if (!isAnswering) {
      echo.end();
      signal.throwIfAborted();
      throw unreachable(wish, 'no answer through the ssh connection');
    }
    this.#echoes.set(generation.id, echo);
  }

  async #lives(generation: Generation): Promise<boolean> {
    const pid = await masterPid(this.filesOf(generation));
    if (pid !== undefined) this.#pids.set(generation.id, pid);
    return pid !== undefined;
  }

  // sshd runs before the container has written its authorized keys.
  #isJustBooted(error: unknown, { bootId }: SshAddress): boolean {
    const ageMs = Date.now() - Date.parse(bootId);
    return (
      error instanceof AutopodError &&
      error.code === 'sshKeyRefused' &&
      ageMs < this.#options.timings.keyGraceMs
    );
  }

  async #end(generation: Generation): Promise<void> {
    this.#echoes.get(generation.id)?.end();
    this.#echoes.delete(generation.id);
    await endMaster(this.filesOf(generation), this.#pids.get(generation.id));
    this.#pids.delete(generation.id);
  }
}

/** Pause before an attempt: none before the first, then doubling with jitter up to a low cap. */
export async function awaitRetry(
  attempt: number,
  { firstBackoffMs, maxBackoffMs }: KeeperTimings,
  signal: AbortSignal,
): Promise<void> {
  if (attempt === 0) return;
  const pauseMs = Math.min(firstBackoffMs * 2 ** (attempt - 1), maxBackoffMs);
  await sleep(pauseMs * (0.5 + Math.random() / 2), undefined, { signal });
}

function unreachable({ podId }: TunnelWish, detail: string): AutopodError {
  return new AutopodError('sshUnreachable', { podId, detail });
}
