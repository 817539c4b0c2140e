import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AutopodError, type Failure, isFailureCode } from '../errors.ts';
import type { BatchAtWork, JobView } from '../jobs/jobs.ts';
import type { SshAddress, TunnelState } from '../machines/tunnel.ts';
import type { Home } from '../store/home.ts';
import { type AutoStop, type GuardStanding, hasPod, plannedPods } from '../store/plans.ts';
import type { ProcessIdentity } from '../store/process-identity.ts';
import { hasUnfinishedBatch } from '../store/unfinished-batches.ts';
import { VERSION } from '../version.ts';
import type { DueReason } from './auto-stop.ts';
import type { KeyChange } from './pod-keys.ts';
import { keeperSocket } from './runtime-folder.ts';
import { savedTunnels } from './saved-tunnels.ts';
import { askSocket } from './socket-client.ts';

export type { AutoStop, BatchAtWork, DueReason, GuardStanding, JobView };

/** A tunnel as the keeper tells it. */
export interface TunnelView {
  podId: string;
  state: TunnelState;
  /** ISO 8601, UTC: when it entered its state. */
  since: string;
  localPort: number;
  remotePort: number;
  address?: SshAddress;
  sshPid?: number;
  /** Process id of the ssh that stands by to take over. */
  standbyPid?: number;
  /** Control socket of the ssh in use, through which a shell opens at once. */
  controlPath?: string;
  /** Whether who answers has proven to be the pod; `none` where the pod was given nothing to prove it with. */
  proof?: 'proven' | 'unproven' | 'none';
  /** How it is seen that answers come through: by a session of ssh, or by HTTP where the pod's login shell says nothing. */
  watchedBy?: 'session' | 'http';
  /** Whether ComfyUI answers through it; `other` where something else does. */
  comfy: 'answering' | 'down' | 'other' | 'unknown';
  /** What answers in ComfyUI's place, in words. */
  answeredBy?: string;
  bytesIn: number;
  bytesOut: number;
  lastActivityAt?: string;
  startedAt: string;
  lastHealedAt?: string;
  /** Attempts to open it since it was last healthy. */
  attempt?: number;
  failure?: Failure;
  /** What stands between here and the pod's sshd, in words, while it is being reached. */
  trouble?: string;
  lastDeath?: { at: string; failure: Failure };
  autoStop?: AutoStop;
  /** Only told when it is opened: the stopped pod whose waiting tunnel gave it its port, and is closed. */
  tookPortFrom?: string;
  /** It ends with the command that needs it. */
  isTemporary: boolean;
}

export interface OpenRequest {
  podId: string;
  localPort: number | 'auto';
  keyPath: string;
  needsAgent: boolean;
  /** Where the ssh agent answers, if there is one. */
  agentSocket?: string | undefined;
  /** The process that needs it only for as long as it runs; without one it stays until it is stopped. */
  neededBy?: ProcessIdentity | undefined;
  /** The account to ask for the pod's address. The keeper keeps the key in memory only. */
  account: { apiUrl: string; apiKey: string | undefined };
}

/** The background process that owns the tunnels, as commands use it. */
export interface KeeperClient {
  /** Loads what starting a keeper takes, for a command that may outlive its own program. */
  prepare(): Promise<void>;
  /** Starts the keeper if none answers. Throws `keeperUnreachable`. */
  ensureRunning(signal?: AbortSignal): Promise<void>;
  /** Opens the tunnel, or answers the one that stands: asking twice changes nothing (I6). Does not wait for health. */
  open(request: OpenRequest, signal?: AbortSignal): Promise<TunnelView>;
  /** Closes the tunnel of a pod, if there is one; resolves when its ssh has ended and its port is free. */
  close(podId: string, signal?: AbortSignal): Promise<void>;
  /**
   * Every tunnel. Where some are wanted, or a pod is to be stopped by itself, and no keeper runs, as after a reboot, one
   * is started first; if none can be, they are told as dead.
   */
  tunnels(signal?: AbortSignal): Promise<TunnelView[]>;
  /** Every tunnel as it is, changing nothing; with no keeper running, what is on disk, as dead. */
  seen(signal?: AbortSignal): Promise<TunnelView[]>;
  /** Process id of the keeper; undefined when none answers. */
  pid(signal?: AbortSignal): Promise<number | undefined>;
  /**
   * Has the keeper look after the plan in a pod's record, whether or not there is a tunnel, or a pod as yet. The answer is
   * what keeps it from reaching RunPod, if anything does: a keeper that was started under another network's settings has
   * given way to one started from here before that is told.
   */
  heedPlan(
    recordId: string,
    account: OpenRequest['account'],
    signal?: AbortSignal,
  ): Promise<Failure | undefined>;
  /** Why a pod is to be stopped now that somebody else stops; null where it is not, or no keeper looks. */
  whatIsDue(podId: string, signal?: AbortSignal): Promise<DueReason | null>;
  /** Has the keeper look after a batch from now on, or at what was asked of its jobs since; it goes on without us. */
  heedBatch(batchId: string, account: OpenRequest['account'], signal?: AbortSignal): Promise<void>;
  /** How a batch at work stands; null for one that nobody looks after: what is true of it is in its records. */
  batchView(batchId: string, signal?: AbortSignal): Promise<BatchAtWork | null>;
  /** How a job stands; null where there is none, or no keeper. */
  jobView(jobId: string, signal?: AbortSignal): Promise<JobView | null>;
  /**
   * Has the guard put into a pod that has a plan and a tunnel, and resolves with how that went; null where there is
   * nothing to arm.
   */
  arm(podId: string, signal?: AbortSignal): Promise<GuardStanding | null>;
  /** Changes who may log in to a pod that has a tunnel; false where that was not done. */
  changeKeys(podId: string, change: KeyChange, signal?: AbortSignal): Promise<boolean>;
  /** Has a tunnel that waits or failed try again now. */
  retry(podId: string, signal?: AbortSignal): Promise<void>;
}

interface Health {
  pid: number;
  version?: string;
  /** As in `networkEnvironment`. */
  network?: string;
}

/** Milliseconds a keeper has from its start to its first answer. */
const START_MS = 15_000;
/** Milliseconds after which one that has the home, and does not answer here, is taken to be out of reach. */
const ELSEWHERE_MS = 1_500;

// Loaded where no keeper runs only: a status does without.
const loadStarter = () => import('./guardian.ts');
const loadLock = () => import('../store/lock.ts');

export function keeperClient(home: Home, env: NodeJS.ProcessEnv, version = VERSION): KeeperClient {
  /** The keeper's answer, or undefined when none runs. */
  const ask = async <T>(
    method: string,
    path: string,
    body?: object,
    signal?: AbortSignal,
  ): Promise<T | undefined> => {
    // The keeper that is starting may have found out where there can be one.
    const answer = await askSocket(keeperSocket(home), { method, path, body, signal });
    if (!answer) return undefined;
    const value = JSON.parse(answer.body || 'null') as T & { error?: Failure };
    if (answer.status >= 400) throw failureFrom(value?.error);
    return value;
  };

  const standingTunnels = async (signal?: AbortSignal): Promise<TunnelView[] | undefined> =>
    (await ask<{ tunnels: TunnelView[] }>('GET', '/tunnels', undefined, signal))?.tunnels;

  /** Asks until a keeper takes the request: one that is just leaving is replaced. */
  const insist = async <T>(method: string, path: string, body?: object, signal?: AbortSignal): Promise<T> => {
    for (let attempt = 0; attempt < 5; attempt++) {
      await client.ensureRunning(signal);
      const answer = await ask<T>(method, path, body, signal);
      if (answer !== undefined) return answer;
    }
    throw new AutopodError('keeperUnreachable', { log: home.log });
  };

  /** Has a keeper of an earlier version leave; its ssh is taken up by the next one. */
  const handOver = async ({ pid }: Health, signal?: AbortSignal): Promise<void> => {
    await ask('POST', '/handover', {}, signal);
    const givenUpAt = performance.now() + START_MS;
    while (
      (await ask<Health>('GET', '/health', undefined, signal))?.pid === pid &&
      performance.now() < givenUpAt
    )
      await sleep(25, undefined, signal ? { signal } : {});
  };

  let guardian: ChildProcess | undefined;

  /** Starts a guardian, unless the one this process started before is still at it: if only for a moment, as when its keeper has just left. */
  const startKeeper = async (): Promise<void> => {
    const { startGuardian } = await loadStarter();
    if (!guardian || guardian.exitCode !== null || guardian.signalCode !== null)
      guardian = startGuardian(home, env);
  };

  /** Throws `keeperUnreachable` when a keeper holds the home where it cannot be reached: another container, another machine. */
  const requireNoneElsewhere = async (): Promise<void> => {
    const { aboutHolder, lockHolder } = await loadLock();
    const holder = await lockHolder(join(home.locks, 'keeper'));
    if (!holder) return;
    const about = aboutHolder(holder);
    if (about.isUnseen) throw new AutopodError('keeperUnreachable', { log: home.log, ...about });
  };

  const client: KeeperClient = {
    async prepare() {
      await Promise.all([loadStarter(), loadLock()]);
    },
    async ensureRunning(signal) {
      const health = await ask<Health>('GET', '/health', undefined, signal);
      // A keeper that does not tell its version does not know how to hand over, either.
      if (health && !isEarlier(health.version ?? version, version)) return;
      if (health) await handOver(health, signal);
      const begunAt = performance.now();
      while (!(await ask('GET', '/health', undefined, signal))) {
        await startKeeper();
        const waitedMs = performance.now() - begunAt;
        if (waitedMs > ELSEWHERE_MS) await requireNoneElsewhere();
        if (waitedMs > START_MS) throw new AutopodError('keeperUnreachable', { log: home.log });
        await sleep(25, undefined, signal ? { signal } : {});
      }
    },
    open: ({ podId, ...request }, signal) =>
      insist('PUT', `/tunnels/${encodeURIComponent(podId)}`, request, signal),
    async close(podId, signal) {
      if ((await client.tunnels(signal)).length === 0) return;
      await insist('DELETE', `/tunnels/${encodeURIComponent(podId)}`, undefined, signal);
    },
    async tunnels(signal) {
      const standing = await standingTunnels(signal);
      if (standing || !isKeeperWanted(home)) return standing ?? [];
      await client.ensureRunning(signal).catch(() => signal?.throwIfAborted());
      return client.seen(signal);
    },
    async seen(signal) {
      return (await standingTunnels(signal)) ?? savedTunnels(home);
    },
    async pid(signal) {
      return (await ask<Health>('GET', '/health', undefined, signal))?.pid;
    },
    async heedPlan(recordId, account, signal) {
      const heed = () =>
        insist<{ failure?: Failure }>('PUT', `/plans/${encodeURIComponent(recordId)}`, { account }, signal);
      const { failure } = await heed();
      if (!failure) return undefined;
      const { networkEnvironment } = await import('./network-environment.ts');
      const health = await ask<Health>('GET', '/health', undefined, signal);
      if (!health?.network || health.network === networkEnvironment(env)) return failure;
      await handOver(health, signal);
      return (await heed()).failure;
    },
    async whatIsDue(podId, signal) {
      const path = `/plans/${encodeURIComponent(podId)}/due`;
      return (await ask<{ due: DueReason | null }>('GET', path, undefined, signal))?.due ?? null;
    },
    async heedBatch(batchId, account, signal) {
      await insist('PUT', `/batches/${encodeURIComponent(batchId)}`, { account }, signal);
    },
    async batchView(batchId, signal) {
      const path = `/batches/${encodeURIComponent(batchId)}`;
      return (await ask<{ batch: BatchAtWork | null }>('GET', path, undefined, signal))?.batch ?? null;
    },
    async jobView(jobId, signal) {
      const path = `/jobs/${encodeURIComponent(jobId)}`;
      return (await ask<{ job: JobView | null }>('GET', path, undefined, signal))?.job ?? null;
    },
    async arm(podId, signal) {
      const path = `/tunnels/${encodeURIComponent(podId)}/arm`;
      const answer = await ask<{ guard: GuardStanding | null }>('POST', path, {}, signal);
      return answer?.guard ?? null;
    },
    async changeKeys(podId, change, signal) {
      const path = `/tunnels/${encodeURIComponent(podId)}/keys`;
      return (await ask<{ isDone: boolean }>('POST', path, change, signal))?.isDone ?? false;
    },
    async retry(podId, signal) {
      await ask('POST', `/tunnels/${encodeURIComponent(podId)}/retry`, {}, signal);
    },
  };
  return client;
}

function isEarlier(one: string, other: string): boolean {
  return one.localeCompare(other, 'en', { numeric: true }) < 0;
}

function failureFrom(failure: Failure | undefined): AutopodError {
  if (failure && isFailureCode(failure.code)) return new AutopodError(failure.code, failure.detail);
  return new AutopodError('keeperUnreachable', { detail: 'the keeper answered something unknown' });
}

function isKeeperWanted(home: Home): boolean {
  return (
    savedTunnels(home).length > 0 || (plannedPods(home.pods) ?? []).some(hasPod) || hasUnfinishedBatch(home)
  );
}
