import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AutopodError, type FailureCode } from '../errors.ts';
import type { Generation, Opened, SshAddress, TunnelWish } from '../machines/tunnel.ts';
import { Echo } from '../services/ssh/echo.ts';
import { endMaster, type MasterFiles, masterPid, startMaster } from '../services/ssh/master.ts';
import { knock } from './knock.ts';
import type { Locator, PodLocation } from './locate.ts';
import type { KeeperTimings } from './timings.ts';

export interface ForwardingOptions {
  locator: Locator;
  timings: KeeperTimings;
  /** Folder of the Unix sockets. */
  runtime: string;
  knownHosts: string;
}

/** RunPod did not say; the pod may still be where it was. */
const RUNPOD_SILENT: readonly FailureCode[] = [
  'apiUnreachable',
  'apiUnavailable',
  'apiRateLimited',
  'apiAnswerUnexpected',
  'apiKeyMissing',
];

/** The effects of one tunnel: opens, holds and closes generations of ssh. */
export class Forwarding {
  readonly #options: ForwardingOptions;
  readonly #echoes = new Map<string, Echo>();
  #lastAddress: SshAddress | undefined;
  #pid: number | undefined;

  constructor(options: ForwardingOptions) {
    this.#options = options;
  }

  /** Process id of the ssh in use, as it told itself. */
  get sshPid(): number | undefined {
    return this.#pid;
  }

  filesOf({ id }: Generation): MasterFiles {
    const file = (kind: string) => join(this.#options.runtime, `${id}.${kind}`);
    return { control: file('ctl'), forward: file('sock'), stderr: file('err') };
  }

  /**
   * Opens a forward beside the suspect one, if there is one: whichever answers first is used, and the other ended.
   * The suspect is not killed before, so that streams in flight survive a short outage.
   */
  async open(wish: TunnelWish, suspect: Generation | null, signal: AbortSignal): Promise<Opened> {
    if (!suspect) return this.#openFresh(wish, signal);
    this.#lastAddress ??= suspect.address;
    const lost = new AbortController();
    const racing = AbortSignal.any([signal, lost.signal]);
    const fresh = this.#openFresh(wish, racing);
    const recovered = this.#recover(suspect, racing).then((isBack): Opened | Promise<never> =>
      isBack ? { kind: 'open', generation: suspect } : new Promise<never>(() => undefined),
    );
    try {
      const opened = await Promise.race([recovered, fresh]);
      if (opened.kind === 'open' && opened.generation.id === suspect.id) this.#endIfLate(fresh);
      else await this.#end(suspect);
      return opened;
    } catch (error) {
      // A suspect that is dead itself is of no use to the next attempt.
      if (!signal.aborted && (await masterPid(this.filesOf(suspect))) === undefined) await this.#end(suspect);
      throw error;
    } finally {
      lost.abort();
    }
  }

  /** Ends, with an error, when no answer comes through any more. */
  async hold(generation: Generation, signal: AbortSignal): Promise<never> {
    const files = this.filesOf(generation);
    this.#pid = await masterPid(files);
    const echo = this.#echoes.get(generation.id) ?? new Echo(files.control);
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
    if (generation) await this.#end(generation);
  }

  /** Whether the suspect answers again, or still: asked until it does or its ssh ends. */
  async #recover(suspect: Generation, signal: AbortSignal): Promise<boolean> {
    const { control } = this.filesOf(suspect);
    while (!signal.aborted && (await masterPid(this.filesOf(suspect))) !== undefined) {
      const echo = new Echo(control);
      if (await echo.answers(this.#options.timings.deadAfterMs, signal)) {
        this.#echoes.set(suspect.id, echo);
        return true;
      }
      echo.end();
    }
    return false;
  }

  async #openFresh(wish: TunnelWish, signal: AbortSignal): Promise<Opened> {
    const location = await this.#locate(wish.podId, signal);
    if (location.kind === 'notRunning') return { kind: 'podNotRunning' };
    if (location.kind === 'pending') throw unreachable(wish, 'the pod is starting');
    const { address } = location;
    this.#lastAddress = address;
    const { knockMs, knockingMs } = this.#options.timings;
    if (!(await knock(address, { everyMs: knockMs, forMs: knockingMs }, signal))) {
      throw unreachable(wish, `nobody answers at ${address.host}:${address.port}`);
    }
    const generation: Generation = { id: randomBytes(6).toString('hex'), address };
    try {
      await this.#prove(wish, generation, signal);
    } catch (error) {
      await this.#end(generation);
      throw this.#isJustBooted(error, address) ? unreachable(wish, 'its keys are not written yet') : error;
    }
    return { kind: 'open', generation };
  }

  async #locate(podId: string, signal: AbortSignal): Promise<PodLocation> {
    try {
      return await this.#options.locator.locate(podId, signal);
    } catch (error) {
      const isSilent = error instanceof AutopodError && RUNPOD_SILENT.includes(error.code);
      if (!isSilent || !this.#lastAddress) throw error;
      return { kind: 'running', address: this.#lastAddress };
    }
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
    const echo = new Echo(files.control);
    if (!(await echo.answers(timings.openTimeoutMs, bounded))) {
      echo.end();
      signal.throwIfAborted();
      throw unreachable(wish, 'no answer through the ssh connection');
    }
    this.#echoes.set(generation.id, echo);
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
    await endMaster(this.filesOf(generation), this.#pid);
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

/** Resolves when RunPod says the pod is on its way or runs. */
export async function awaitPod(
  { locator, timings }: ForwardingOptions,
  podId: string,
  signal: AbortSignal,
): Promise<void> {
  while ((await locator.locate(podId, signal)).kind === 'notRunning') {
    await sleep(timings.podPollMs, undefined, { signal });
  }
}

function unreachable({ podId }: TunnelWish, detail: string): AutopodError {
  return new AutopodError('sshUnreachable', { podId, detail });
}
