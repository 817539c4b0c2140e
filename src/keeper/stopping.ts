import { stat } from 'node:fs/promises';
import { steadyMs } from '../clock.ts';
import { AutopodError, toFailure } from '../errors.ts';
import type { RunPod } from '../services/runpod/client.ts';
import { findLaunch, twinsOf } from '../services/runpod/launches.ts';
import { costSighting, observePod } from '../services/runpod/pod-state.ts';
import { type Home, leaseFolder } from '../store/home.ts';
import type { Journal } from '../store/journal.ts';
import { bookRun, type LedgerFacts } from '../store/ledger.ts';
import { type Holder, lockHolder, tryLock } from '../store/lock.ts';
import {
  type AutoStop,
  hasPod,
  type PlanFacts,
  type PlannedPod,
  plannedPods,
  type StopPlan,
} from '../store/plans.ts';
import { isSuspended, seenFromHere } from '../store/process-identity.ts';
import { RecordStore } from '../store/records.ts';
import type { Accounts } from './accounts.ts';
import { reasonToStop, UNKNOWN_GRACE_MS } from './auto-stop.ts';

/** Milliseconds for which a driver of another namespace or machine counts as using its pod. */
const UNSEEN_MS = 60 * 60_000;

interface StoppingOptions {
  home: Home;
  accounts: Accounts;
  journal: Journal;
  /** Between two looks at what is due. */
  lookMs: number;
  tunnelTo: (podId: string) => Way | undefined;
  /** Opens a tunnel that ends with the plan, for asking a pod that has none for its jobs. */
  openTunnel: (pod: PlannedPod, podId: string) => Promise<void>;
  log: (line: string) => void;
  /** Told when there is a pod to be stopped some time, or none any more. */
  onChange: () => void;
}

/** A tunnel, as far as the use of its pod shows in it. */
interface Way {
  /** By `steadyMs()`. */
  lastActivityAt: number | undefined;
  jobs(): Promise<number | undefined>;
}

/** Milliseconds by which the wall clock may differ from the one that nobody sets before it counts as set. */
const CLOCK_SET_MS = 2_000;

/** What is remembered of a plan between two looks. */
interface Watched {
  plan: string;
  /** By `steadyMs()`, as `quietSince`. */
  dueAt: number | null;
  quietSince: number;
  unknownForMs: number;
}

/**
 * Stops the pods whose time is up. The plans are in the pods' records, from before the pod is created: they hold
 * whether or not `up` came to its end, and whether or not there is a tunnel.
 */
export class Stopping {
  readonly #options: StoppingOptions;
  readonly #records: RecordStore<PlanFacts & LedgerFacts>;
  readonly #watched = new Map<string, Watched>();
  #planned: PlannedPod[] = [];
  #wanted: PlannedPod[] = [];
  #seen = '';
  #isLooking = false;

  constructor(options: StoppingOptions) {
    this.#options = options;
    const { pods: path, locks } = options.home;
    this.#records = new RecordStore({ path, locks });
  }

  /** Whether a pod is to be stopped some time. */
  get isWanted(): boolean {
    return this.#wanted.length > 0;
  }

  planOf(podId: string): AutoStop | undefined {
    const plan = this.#planned.find((pod) => pod.podId === podId)?.autoStop;
    return plan && { stopAt: plan.stopAt, idleMs: plan.idleMs };
  }

  /** Reads the plans if any may have changed. That of a launch without a pod counts only while somebody is at the launch. */
  async readPlans(): Promise<void> {
    const { home } = this.#options;
    const seen = await stateOf(home);
    // While the home is away what was read last holds.
    if (seen !== undefined && seen !== this.#seen) {
      const planned = plannedPods(home.pods);
      if ((await stateOf(home)) === seen) {
        this.#planned = planned ?? this.#planned;
        this.#seen = seen;
      }
    }
    const isWanted = await Promise.all(this.#planned.map(async (pod) => hasPod(pod) || this.#isDriven(pod)));
    const wasWanted = this.isWanted;
    this.#wanted = this.#planned.filter((_, index) => isWanted[index]);
    await Promise.all(this.#wanted.map((pod) => this.#keepTime(pod)));
    if (this.isWanted !== wasWanted) this.#options.onChange();
  }

  async stopWhatIsDue(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      await this.readPlans();
      await Promise.all(this.#wanted.map((pod) => this.#stopIfDue(pod)));
    } finally {
      this.#isLooking = false;
    }
  }

  async #stopIfDue(pod: PlannedPod): Promise<void> {
    const { recordId, podId, autoStop } = pod;
    const tunnel = podId === null ? undefined : this.#options.tunnelTo(podId);
    const watched = this.#watch(pod);
    // Whoever waits for the pod to get ready uses it.
    if (await this.#isWaitedFor(pod)) watched.quietSince = steadyMs();
    watched.quietSince = Math.max(watched.quietSince, tunnel?.lastActivityAt ?? 0);
    const due = (jobs: number | undefined) => reasonToStop(autoStop, { ...watched, jobs }, steadyMs());
    const jobs = await tunnel?.jobs();
    if (jobs) watched.quietSince = steadyMs();
    const reason = due(tunnel ? jobs : 0);
    const isUnknown = (podId === null || (tunnel && jobs === undefined)) && due(0) !== undefined;
    watched.unknownForMs = isUnknown ? watched.unknownForMs + this.#options.lookMs : 0;
    if (reason === undefined) return;
    // A command that was suspended goes on from here only to see that the pod is no longer its own.
    const lease = await tryLock(leaseFolder(this.#options.home, recordId), {
      passesOver: isSuspended,
    }).catch(() => undefined); // the home is away, and the stop is due all the same
    try {
      const { runpod } = await this.#options.accounts.of(recordId, autoStop.apiUrl);
      const signal = AbortSignal.timeout(30_000);
      if (podId === null) await this.#stopLaunch(runpod, pod, reason, signal);
      else if (tunnel || !(await mayWork(runpod, podId, signal)))
        await this.#stop(runpod, pod, podId, reason, signal);
      else await this.#options.openTunnel(pod, podId);
    } catch (error) {
      this.#options.log(`cannot stop pod ${podId ?? recordId} (${toFailure(error).code})`);
    } finally {
      await lease?.release().catch(() => undefined);
    }
  }

  #watch({ recordId, autoStop }: PlannedPod): Watched {
    const plan = JSON.stringify(autoStop);
    const before = this.#watched.get(recordId);
    const watched = before?.plan === plan ? before : beginWatch(autoStop);
    this.#watched.set(recordId, watched);
    return watched;
  }

  /** The time left counts by a clock that nobody sets. Where the wall clock was set, the record tells the time by it. */
  async #keepTime(pod: PlannedPod): Promise<void> {
    const watched = this.#watch(pod);
    const { stopAt } = pod.autoStop;
    if (watched.dueAt === null || stopAt === null) return;
    const due = Date.now() + watched.dueAt - steadyMs();
    if (Math.abs(due - Date.parse(stopAt)) < CLOCK_SET_MS) return;
    const autoStop = { ...pod.autoStop, stopAt: new Date(due).toISOString() };
    this.#options.log(`the clock was set: pod ${pod.podId ?? pod.recordId} is stopped at ${autoStop.stopAt}`);
    const plan = JSON.stringify(pod.autoStop);
    await this.#records.update(pod.recordId, (record) => {
      if (JSON.stringify(record?.facts.autoStop) !== plan) return record;
      watched.plan = JSON.stringify(autoStop);
      pod.autoStop = autoStop;
      return record && { ...record, facts: { ...record.facts, autoStop } };
    });
  }

  async #stop(
    runpod: RunPod,
    pod: PlannedPod,
    podId: string,
    reason: string,
    signal: AbortSignal,
  ): Promise<void> {
    this.#options.log(`stopping pod ${podId}: ${reason}`);
    if (await this.#stopUnlessStopped(runpod, podId, signal)) await this.#tell(pod.recordId, podId, reason);
    await this.#end(pod.recordId);
  }

  /** A launch whose create may be unanswered: its pod, and any twin, are looked for by the launch id they carry. */
  async #stopLaunch(runpod: RunPod, pod: PlannedPod, reason: string, signal: AbortSignal): Promise<void> {
    const made = await findLaunch(runpod, pod.launchId, signal);
    const found = made.slice(0, 1).flatMap((own) => [own, ...twinsOf(own, made, pod).twins]);
    for (const { id } of found) {
      if (await this.#stopUnlessStopped(runpod, id, signal)) await this.#tell(pod.recordId, id, reason);
    }
    const { unknownForMs } = this.#watch(pod);
    if (found.length > 0 || unknownForMs >= UNKNOWN_GRACE_MS) await this.#end(pod.recordId);
  }

  /** False when it did not run, or is no more. */
  async #stopUnlessStopped(runpod: RunPod, podId: string, signal: AbortSignal): Promise<boolean> {
    const pod = await runpod.getPod(podId, signal).catch(missing);
    const seen = pod && observePod(pod);
    if (!seen || seen.condition === 'stopped' || seen.condition === 'gone') return false;
    await bookRun(this.#records, costSighting(seen), true).catch((error: Error) =>
      this.#options.log(`cannot note what pod ${podId} has cost: ${error.message}`),
    );
    await runpod.act(podId, 'stop', signal);
    return true;
  }

  #tell(recordId: string, podId: string, reason: string): Promise<void> {
    const at = new Date().toISOString();
    const entry = {
      at,
      machine: 'pod@1',
      id: recordId,
      podId,
      event: 'pod.stopped',
      from: 'saved',
      to: 'stopped',
    };
    return this.#options.journal.append({ ...entry, reason });
  }

  // The plan has had its time, and must not strike the pod's next run.
  async #end(recordId: string): Promise<void> {
    this.#watched.delete(recordId);
    await this.#records.update(
      recordId,
      (record) => record && { ...record, facts: { ...record.facts, autoStop: null } },
    );
  }

  async #isDriven(pod: PlannedPod): Promise<boolean> {
    return (await this.#driverOf(pod)) !== undefined;
  }

  async #isWaitedFor(pod: PlannedPod): Promise<boolean> {
    const driver = await this.#driverOf(pod);
    return driver !== undefined && isAtWork(driver);
  }

  #driverOf({ recordId }: PlannedPod): Promise<Holder | undefined> {
    return lockHolder(leaseFolder(this.#options.home, recordId)).catch(() => undefined);
  }
}

/** Changes with the file of pods; undefined while the home is away. */
async function stateOf({ pods, root }: Home): Promise<string | undefined> {
  try {
    const { ino, mtimeMs } = await stat(pods);
    return `${ino} ${mtimeMs}`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return undefined;
    return stat(root).then(
      () => 'none',
      () => undefined,
    );
  }
}

// Whether one moves that cannot be seen from here nobody knows: it gets as long as a launch may take.
function isAtWork(driver: Holder): boolean {
  if (seenFromHere(driver) !== 'unseen') return !isSuspended(driver);
  return Date.now() - Date.parse(driver.since ?? '') < UNSEEN_MS;
}

function beginWatch(autoStop: StopPlan): Watched {
  const now = steadyMs();
  const dueAt = autoStop.stopAt === null ? null : now + Date.parse(autoStop.stopAt) - Date.now();
  return { plan: JSON.stringify(autoStop), dueAt, quietSince: now, unknownForMs: 0 };
}

/** Whether a ComfyUI could be at work: not on a pod that is still on its way, or on none. */
async function mayWork(runpod: RunPod, podId: string, signal: AbortSignal): Promise<boolean> {
  const pod = await runpod.getPod(podId, signal).catch(missing);
  const seen = pod && observePod(pod);
  return seen?.condition === 'running' && seen.ssh !== undefined;
}

function missing(error: unknown): undefined {
  if (error instanceof AutopodError && error.code === 'podNotFound') return undefined;
  throw error;
}
