import { stat } from 'node:fs/promises';
import { steadyMs } from '../clock.ts';
import { AutopodError, type Failure } from '../errors.ts';
import { type Home, leaseFolder } from '../store/home.ts';
import type { Journal } from '../store/journal.ts';
import type { LedgerFacts } from '../store/ledger.ts';
import { type Holder, lockHolder } from '../store/lock.ts';
import {
  type AutoStop,
  hasPod,
  isPlanned,
  type KeptPod,
  keptPods,
  mayBeGuarded,
  nextSeq,
  type PlanFacts,
  type PlannedPod,
  type StopPlan,
  toldPlan,
} from '../store/plans.ts';
import { isSuspended, seenFromHere } from '../store/process-identity.ts';
import { RecordStore } from '../store/records.ts';
import type { Accounts } from './accounts.ts';
import { type DueReason, reasonToStop } from './auto-stop.ts';
import { StopOrders } from './stop-orders.ts';
import { beginWatch, type Watched } from './watched.ts';

/** Milliseconds for which a driver of another namespace or machine counts as using its pod. */
const UNSEEN_MS = 60 * 60_000;

interface StoppingOptions {
  home: Home;
  accounts: Accounts;
  journal: Journal;
  /** Between two looks at what is due. */
  lookMs: number;
  tunnelTo: (podId: string) => Way | undefined;
  /** Jobs of ours at work on a pod, those included whose files are on their way. */
  ownJobs: (podId: string) => number;
  /** Told that a pod is gone for good. */
  onGone: (podId: string) => Promise<void>;
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
  /** What the pod is at besides ComfyUI's jobs, in words; null for nothing, undefined where it does not say. */
  otherWork(): Promise<string | null | undefined>;
}

/** Milliseconds by which the wall clock may differ from the one that nobody sets before it counts as set. */
const CLOCK_SET_MS = 2_000;

/**
 * Stops the pods whose time is up. The plans are in the pods' records, from before the pod is created: they hold
 * whether or not `up` came to its end, and whether or not there is a tunnel.
 */
export class Stopping {
  readonly #options: StoppingOptions;
  readonly #records: RecordStore<PlanFacts & LedgerFacts>;
  readonly #watched = new Map<string, Watched>();
  readonly #orders: StopOrders;
  #kept: KeptPod[] = [];
  #planned: PlannedPod[] = [];
  #wanted: PlannedPod[] = [];
  #seen = '';
  #isLooking = false;

  constructor(options: StoppingOptions) {
    this.#options = options;
    const { pods: path, locks } = options.home;
    this.#records = new RecordStore({ path, locks });
    this.#orders = new StopOrders({
      ...options,
      records: this.#records,
      onEnd: (recordId) => this.#watched.delete(recordId),
    });
  }

  /** Whether a pod is to be stopped some time. */
  get isWanted(): boolean {
    return this.#wanted.length > 0;
  }

  /** Every pod with a plan, or with a guard that may be at work, as they were read last. */
  get guarded(): KeptPod[] {
    return this.#kept.filter((pod) => isPlanned(pod) || mayBeGuarded(pod));
  }

  planOf(podId: string): AutoStop | undefined {
    const planned = this.#planned.find((pod) => pod.podId === podId);
    return planned && toldPlan(planned);
  }

  /** Reads the plans if any may have changed. That of a launch without a pod counts only while somebody is at the launch. */
  async readPlans(): Promise<void> {
    const { home } = this.#options;
    const seen = await stateOf(home);
    // While the home is away what was read last holds.
    if (seen !== undefined && seen !== this.#seen) {
      const kept = keptPods(home.pods);
      if ((await stateOf(home)) === seen) {
        this.#kept = kept ?? this.#kept;
        this.#planned = this.#kept.filter(isPlanned);
        this.#seen = seen;
      }
    }
    const isWanted = await Promise.all(this.#planned.map(async (pod) => hasPod(pod) || this.#isDriven(pod)));
    const wasWanted = this.isWanted;
    this.#wanted = this.#planned.filter((_, index) => isWanted[index]);
    await Promise.all(this.#wanted.map((pod) => this.#keepTime(pod)));
    if (this.isWanted !== wasWanted) this.#options.onChange();
  }

  /** Epoch milliseconds at which a pod's time is up, by a clock that nobody sets; undefined where none is named. */
  timeIsUpAt(podId: string): number | undefined {
    const planned = this.#planned.find((pod) => pod.podId === podId);
    if (planned?.overdue) return Date.parse(planned.overdue.since);
    const dueAt = planned && this.#watch(planned).dueAt;
    return dueAt == null ? undefined : Date.now() + dueAt - steadyMs();
  }

  /** Why a pod is to be stopped now that somebody else stops, as of the last look; null where it is not. */
  dueOf(podId: string): DueReason | null {
    const planned = this.#planned.find((pod) => pod.podId === podId);
    return planned ? this.#watch(planned).due : null;
  }

  /** Has a pod stopped, or ended for good, as soon as it has no jobs. Resolves when that is planned on disk. */
  async planEnd(podId: string, plan: StopPlan): Promise<void> {
    const [recordId] =
      Object.entries(await this.#records.all()).find(([, { facts }]) => facts.podId === podId) ?? [];
    if (recordId === undefined) throw new AutopodError('podNotFound', { podId });
    await this.#records.update(
      recordId,
      (record) =>
        record && {
          ...record,
          facts: { ...record.facts, autoStop: { ...plan, setAt: nextSeq(record.facts) }, overdue: null },
        },
    );
    await this.readPlans();
    void this.stopWhatIsDue();
  }

  /** Asks RunPod for the pod of a plan, as will be done when it is due; the failure of that, if it fails. */
  async whyNot(recordId: string): Promise<Failure | undefined> {
    const planned = this.#planned.find((pod) => pod.recordId === recordId);
    return planned && this.#orders.rehearse(planned);
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
    const { podId, autoStop } = pod;
    const isElsewhere = autoStop.isCarriedOutElsewhere === true;
    const tunnel = podId === null ? undefined : this.#options.tunnelTo(podId);
    const watched = this.#watch(pod);
    // Whoever waits for the pod to get ready uses it.
    if (await this.#isWaitedFor(pod)) watched.quietSince = steadyMs();
    watched.quietSince = Math.max(watched.quietSince, tunnel?.lastActivityAt ?? 0);
    const own = podId === null ? 0 : this.#options.ownJobs(podId);
    const told = await tunnel?.jobs();
    const jobs = own > 0 ? Math.max(told ?? 0, own) : told;
    if (jobs) watched.quietSince = steadyMs();
    const reason = this.#reasonOf(pod, watched, tunnel, jobs);
    if (isElsewhere && podId !== null && !tunnel) await this.#options.openTunnel(pod, podId);
    if (reason === undefined) {
      watched.due = null;
      if (pod.overdue) await this.#orders.takeBack(pod);
      return;
    }
    const isFirst = !pod.overdue;
    if (isFirst && reason.kind === 'idle' && (await this.#isOtherwiseUsed(pod, watched, tunnel))) return;
    if (isElsewhere) watched.due = reason;
    else await this.#orders.carryOut(pod, watched, tunnel !== undefined, reason);
  }

  /** Why the pod is to be stopped now. What was due once stays due, unless a job runs, or one stopped as idle is used again. */
  #reasonOf(
    { podId, autoStop, overdue }: PlannedPod,
    watched: Watched,
    tunnel: Way | undefined,
    jobs: number | undefined,
  ): DueReason | undefined {
    const due = (count: number | undefined) =>
      reasonToStop(autoStop, { ...watched, jobs: count }, steadyMs());
    const isUnknown = (podId === null || (tunnel && jobs === undefined)) && due(0) !== undefined;
    watched.unknownForMs = isUnknown ? watched.unknownForMs + this.#options.lookMs : 0;
    if (!overdue) return due(tunnel ? jobs : 0);
    const usedAt = tunnel?.lastActivityAt ?? Number.NEGATIVE_INFINITY;
    const isUsedAgain = overdue.kind === 'idle' && steadyMs() - usedAt < this.#options.lookMs;
    return isUsedAgain || (jobs !== undefined && jobs > 0) ? undefined : overdue;
  }

  /** Work that is not ComfyUI's: asked of the pod only when it would be stopped for being idle. */
  async #isOtherwiseUsed(pod: PlannedPod, watched: Watched, tunnel: Way | undefined): Promise<boolean> {
    const work = await tunnel?.otherWork();
    if (!work) {
      if (work === undefined && tunnel) this.#options.log(`pod ${pod.podId} does not say what else it does`);
      watched.otherWork = null;
      return false;
    }
    watched.quietSince = steadyMs();
    this.#options.log(`pod ${pod.podId} is not idle: ${work}`);
    if (watched.otherWork === null) await this.#orders.tell(pod, pod.podId, 'pod.inUse', work);
    watched.otherWork = work;
    return true;
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
