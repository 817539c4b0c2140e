import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Generation, SshAddress, TunnelWish } from '../machines/tunnel.ts';
import { Echo } from '../services/ssh/echo.ts';
import { endMaster, isStopped, type MasterFiles, masterFiles, masterPid } from '../services/ssh/master.ts';
import { sessionsThrough } from '../services/ssh/sessions.ts';
import { type Boot, unknownBoot } from './boot.ts';
import { HttpPulse } from './http-pulse.ts';
import type { Locator } from './locate.ts';
import { type Proven, proveForward } from './prove.ts';
import type { Pulse } from './pulse.ts';
import type { Ready } from './standby.ts';
import type { KeeperTimings } from './timings.ts';

export interface GenerationsOptions {
  /** Folder of the Unix sockets. */
  runtime: string;
  knownHosts: string;
  timings: Pick<KeeperTimings, 'openTimeoutMs' | 'shellSilentMs' | 'keyGraceMs'>;
  locator: Pick<Locator, 'bootAgeMs'>;
  /** Whether the user wants no ssh used that has not proven itself. */
  requiresProof: () => Promise<boolean>;
}

/** How an ssh is trusted, and watched. */
export type Standing = Pick<Proven, 'proof' | 'watchedBy'>;

export interface OpenOptions {
  /** As in `Proving`. */
  secret: Promise<string | null | undefined>;
  keepaliveSeconds?: number;
  /** Told of a forward that is set up and has yet to prove itself, and told that it did not. */
  onForward?: (forward: string) => void;
  onForwardFailed?: (forward: string) => void;
}

interface Live {
  generation: Generation;
  /** As the master told it itself. */
  pid?: number;
  /** What asks whether it answers, while nobody waits for that. */
  pulse?: Pulse;
  /** Of one that has proven itself, or that an earlier keeper left. */
  standing?: Standing | undefined;
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
  readonly #options: GenerationsOptions;
  readonly #carriesStream: (forward: string) => boolean;
  readonly #live = new Map<string, Live>();
  readonly #boots = new Map<string, Boot>();

  /** `carriesStream` tells whether a client is still joined to a forward's Unix socket. */
  constructor(options: GenerationsOptions, carriesStream: (forward: string) => boolean) {
    this.#options = options;
    this.#carriesStream = carriesStream;
  }

  filesOf({ id }: Generation): MasterFiles {
    return masterFiles(this.#options.runtime, id);
  }

  pidOf({ id }: Generation): number | undefined {
    return this.#live.get(id)?.pid;
  }

  standingOf({ id }: Generation): Standing | undefined {
    return this.#live.get(id)?.standing;
  }

  /** To be called before its ssh is started; with its standing if an earlier keeper has left it. */
  add(generation: Generation, standing?: Standing): void {
    if (this.#live.has(generation.id)) return;
    this.#live.set(generation.id, { generation, standing });
    if (standing?.proof === 'proven') this.#bootOf(generation.address).isProven = true;
  }

  /** Starts an ssh and resolves when it has proven that answers come through; throws as `proveForward` does. */
  async open(
    wish: TunnelWish,
    address: SshAddress,
    { secret, keepaliveSeconds, onForward, onForwardFailed }: OpenOptions,
    signal: AbortSignal,
  ): Promise<Ready> {
    const generation: Generation = { id: randomBytes(6).toString('hex'), address };
    const { knownHosts, timings, locator } = this.#options;
    this.add(generation);
    const files = this.filesOf(generation);
    try {
      const { pulse, ...standing } = await proveForward(wish, address, {
        files,
        knownHostsPath: join(knownHosts, wish.podId),
        keepaliveSeconds,
        timings,
        signal,
        mayWriteKeys: () => locator.bootAgeMs(address.bootId) < timings.keyGraceMs,
        secret,
        boot: this.#bootOf(address),
        isProofRequired: await this.#options.requiresProof(),
        onForward: () => onForward?.(files.forward),
        lives: () => this.lives(generation),
        onLateWord: (proof) => this.#stand(generation, { proof, watchedBy: 'session' }),
      });
      this.keepPulse(generation, pulse);
      this.#stand(generation, standing);
      signal.throwIfAborted();
      return { generation, pulse };
    } catch (error) {
      onForwardFailed?.(files.forward);
      if (signal.aborted) await this.letGo(generation);
      else await this.end(generation);
      throw error;
    }
  }

  /** Ends one that is not to be used; clients who waited and were let into it already stay on it to their end. */
  async letGo(generation: Generation): Promise<void> {
    if (this.#carriesStream(this.filesOf(generation).forward)) this.drain(generation, 0);
    else await this.end(generation);
  }

  /** Whether its ssh answers at the control socket. */
  async lives(generation: Generation): Promise<boolean> {
    const pid = await masterPid(this.filesOf(generation));
    const live = this.#live.get(generation.id);
    if (live && pid !== undefined) live.pid = pid;
    return pid !== undefined;
  }

  keepPulse({ id }: Generation, pulse: Pulse): void {
    const live = this.#live.get(id);
    if (live) live.pulse = pulse;
    else pulse.end();
  }

  /** What was kept, or another one. */
  takePulse(generation: Generation): Pulse {
    const live = this.#live.get(generation.id);
    const kept = live?.pulse;
    delete live?.pulse;
    if (kept && !kept.hasEnded) return kept;
    const files = this.filesOf(generation);
    return live?.standing?.watchedBy === 'http' ? new HttpPulse(files) : new Echo(files.control);
  }

  async end({ id }: Generation): Promise<void> {
    const live = this.#live.get(id);
    if (!live) return;
    live.pulse?.end();
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
      let pulse = this.takePulse(generation);
      const begunAt = performance.now();
      let lastAnswerAt = begunAt;
      let patienceMs = silentMs + DRAIN_LATE_MS;
      while (performance.now() - lastAnswerAt < patienceMs) {
        if (await pulse.answers(DRAIN_LOOK_MS)) {
          lastAnswerAt = performance.now();
          patienceMs = DRAIN_SILENT_MS;
        }
        if (!(await this.#isUsed(live, pulse.sessions, performance.now() - begunAt))) break;
        await sleep(DRAIN_LOOK_MS);
        if (pulse.hasEnded) pulse = this.takePulse(generation);
      }
      pulse.end();
      await this.end(generation);
    };
    drain().catch(() => undefined);
  }

  #stand({ id }: Generation, standing: Standing): void {
    const live = this.#live.get(id);
    if (live) live.standing = standing;
  }

  #bootOf({ bootId }: SshAddress): Boot {
    const boot = this.#boots.get(bootId) ?? unknownBoot();
    this.#boots.set(bootId, boot);
    return boot;
  }

  async #isUsed({ generation, pid, ending }: Live, ownSessions: number, drainedMs: number): Promise<boolean> {
    if (ending || (pid !== undefined && (await isStopped(pid)))) return false;
    const { control, forward } = this.filesOf(generation);
    if (this.#carriesStream(forward)) return true;
    const sessions = await sessionsThrough(control);
    return sessions === undefined ? drainedMs < DRAIN_UNTOLD_MS : sessions > ownSessions;
  }
}
