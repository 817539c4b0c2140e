import { steadyMs } from '../clock.ts';
import { AutopodError, type Failure, toFailure } from '../errors.ts';
import type { RunPod } from '../services/runpod/client.ts';
import { findLaunch, twinsOf } from '../services/runpod/launches.ts';
import { costSighting, observePod } from '../services/runpod/pod-state.ts';
import { type Home, leaseFolder } from '../store/home.ts';
import type { Journal } from '../store/journal.ts';
import { bookRun, type LedgerFacts } from '../store/ledger.ts';
import { tryLock } from '../store/lock.ts';
import type { Overdue, PlanFacts, PlannedPod } from '../store/plans.ts';
import { isSuspended } from '../store/process-identity.ts';
import type { RecordStore } from '../store/records.ts';
import { noteEndedRun } from '../store/runs.ts';
import type { Accounts } from './accounts.ts';
import { type DueReason, UNKNOWN_GRACE_MS } from './auto-stop.ts';

interface StopOrdersOptions {
  home: Home;
  accounts: Accounts;
  journal: Journal;
  records: RecordStore<PlanFacts & LedgerFacts>;
  /** Between two looks at what is due. */
  lookMs: number;
  /** Opens a tunnel that ends with the plan, for asking a pod that has none for its jobs. */
  openTunnel: (pod: PlannedPod, podId: string) => Promise<void>;
  log: (line: string) => void;
  /** Told that a plan has had its time. */
  onEnd: (recordId: string) => void;
  /** Told that a pod is gone for good. */
  onGone: (podId: string) => Promise<void>;
}

/** How far a stop has come in this process. */
export interface Progress {
  /** By `steadyMs()`: when RunPod may be asked again for what it did not do. */
  askAgainAt: number;
  /** Milliseconds for which nobody has said whether the pod works, or is there. */
  unknownForMs: number;
}

/** What the keeper does to a pod by a plan, as the journal has it, and the state that brings the pod to. */
const WENT_TO = {
  'pod.inUse': 'saved',
  'pod.stopAsked': 'stopping',
  'pod.stopFailed': 'saved',
  'pod.stopped': 'stopped',
  'pod.endAsked': 'terminating',
  'pod.endFailed': 'saved',
  'pod.ended': 'terminated',
} as const;

const STOPPING = { asked: 'pod.stopAsked', failed: 'pod.stopFailed', done: 'pod.stopped' } as const;
const ENDING = { asked: 'pod.endAsked', failed: 'pod.endFailed', done: 'pod.ended' } as const;

function eventsOf({ autoStop }: PlannedPod): typeof STOPPING | typeof ENDING {
  return autoStop.isForGood ? ENDING : STOPPING;
}

const REHEARSAL_MS = 10_000;

/** Pauses between two requests for one stop grow from a look to so many of them. */
const MOST_LOOKS = 20;

/**
 * Has RunPod stop the pods whose time is up. A stop is done when RunPod shows it: until then it is asked again, with
 * growing pauses, and how far it has come is kept with the pod's record for every command to tell.
 */
export class StopOrders {
  readonly #options: StopOrdersOptions;

  constructor(options: StopOrdersOptions) {
    this.#options = options;
  }

  async carryOut(pod: PlannedPod, progress: Progress, hasTunnel: boolean, reason: DueReason): Promise<void> {
    const { home, accounts, openTunnel } = this.#options;
    const { recordId, podId, autoStop } = pod;
    // A command that was suspended goes on from here only to see that the pod is no longer its own.
    const lease = await tryLock(leaseFolder(home, recordId), {
      passesOver: isSuspended,
    }).catch(() => undefined); // the home is away, and the stop is due all the same
    try {
      const { runpod } = await accounts.of(recordId, autoStop.apiUrl);
      const signal = AbortSignal.timeout(30_000);
      if (podId === null) return await this.#stopLaunch(runpod, pod, progress, reason, signal);
      const isNews = !pod.overdue && !hasTunnel;
      if (isNews && (await mayWork(runpod, podId, signal))) return await openTunnel(pod, podId);
      if (await this.#stop(runpod, pod, podId, progress, reason, signal)) await this.#end(pod);
    } catch (error) {
      await this.#fail(pod, progress, reason, error);
    } finally {
      await lease?.release().catch(() => undefined);
    }
  }

  /** Whether RunPod can be asked for the pod from here and now: the failure, where it cannot. */
  async rehearse({ recordId, podId, autoStop, launchId }: PlannedPod): Promise<Failure | undefined> {
    try {
      const { runpod } = await this.#options.accounts.of(recordId, autoStop.apiUrl);
      const signal = AbortSignal.timeout(REHEARSAL_MS);
      if (podId === null) await findLaunch(runpod, launchId, signal);
      else await runpod.getPod(podId, signal).catch(missing);
      return undefined;
    } catch (error) {
      return toFailure(error);
    }
  }

  /** A stop that is not due any more, for the pod is used again. */
  async takeBack(pod: PlannedPod): Promise<void> {
    await this.#keep(pod, null);
  }

  tell(
    { recordId }: PlannedPod,
    podId: string | null,
    event: keyof typeof WENT_TO,
    reason: string,
  ): Promise<void> {
    const at = new Date().toISOString();
    const entry = { at, machine: 'pod@1', id: recordId, podId: podId ?? undefined, event, from: 'saved' };
    return this.#options.journal.append({ ...entry, to: WENT_TO[event], reason });
  }

  /** True once RunPod shows the pod stopped, or gone. */
  async #stop(
    runpod: RunPod,
    pod: PlannedPod,
    podId: string,
    progress: Progress,
    reason: DueReason,
    signal: AbortSignal,
  ): Promise<boolean> {
    const found = await runpod.getPod(podId, signal).catch(missing);
    const seen = found && observePod(found);
    const isForGood = pod.autoStop.isForGood === true;
    const isStopped = seen?.condition === 'stopped' && !isForGood;
    if (!seen || isStopped || seen.condition === 'gone') {
      if (pod.overdue?.takenAt) await this.tell(pod, podId, eventsOf(pod).done, pod.overdue.words);
      if (isForGood) await this.#options.onGone(podId);
      return true;
    }
    if ((seen.isStopping && pod.overdue?.takenAt) || steadyMs() < progress.askAgainAt) return false;
    const { log, records } = this.#options;
    log(`${isForGood ? 'ending' : 'stopping'} pod ${podId}: ${reason.words}`);
    const { home } = this.#options;
    const booked = Promise.all([bookRun(records, costSighting(seen), true), noteEndedRun(home, seen)]);
    await booked.catch((error: Error) => log(`cannot note what pod ${podId} has cost: ${error.message}`));
    if (isForGood) await runpod.terminatePod(podId, signal).catch(missing);
    else await runpod.act(podId, 'stop', signal);
    const overdue = pod.overdue ?? dueNow(reason);
    if (!overdue.takenAt) await this.tell(pod, podId, eventsOf(pod).asked, reason.words);
    const attempts = this.#pause(overdue, progress);
    await this.#keep(pod, { ...overdue, attempts, takenAt: new Date().toISOString(), failure: null });
    return false;
  }

  /** A launch whose create may be unanswered: its pod, and any twin, are looked for by the launch id they carry. */
  async #stopLaunch(
    runpod: RunPod,
    pod: PlannedPod,
    progress: Progress,
    reason: DueReason,
    signal: AbortSignal,
  ): Promise<void> {
    const made = await findLaunch(runpod, pod.launchId, signal);
    const found = made.slice(0, 1).flatMap((own) => [own, ...twinsOf(own, made, pod).twins]);
    const { askAgainAt } = progress;
    const isDone: boolean[] = [];
    for (const { id } of found) {
      const own = { ...progress, askAgainAt };
      isDone.push(await this.#stop(runpod, pod, id, own, reason, signal));
      progress.askAgainAt = Math.max(progress.askAgainAt, own.askAgainAt);
    }
    const isOver = found.length > 0 ? isDone.every(Boolean) : progress.unknownForMs >= UNKNOWN_GRACE_MS;
    if (isOver) await this.#end(pod);
  }

  async #fail(pod: PlannedPod, progress: Progress, reason: DueReason, error: unknown): Promise<void> {
    const failure = toFailure(error);
    const overdue = pod.overdue ?? dueNow(reason);
    this.#options.log(`cannot stop pod ${pod.podId ?? pod.recordId} (${failure.code})`);
    if (overdue.failure?.code === failure.code && steadyMs() < progress.askAgainAt) return;
    if (overdue.failure?.code !== failure.code)
      await this.tell(pod, pod.podId, eventsOf(pod).failed, `${reason.words}: ${failure.code}`);
    const attempts = this.#pause(overdue, progress);
    await this.#keep(pod, { ...overdue, attempts, failure });
  }

  /** The number of attempts by now, after which the next one waits. */
  #pause({ attempts }: Overdue, progress: Progress): number {
    const looks = Math.min(2 ** attempts, MOST_LOOKS);
    // The look it is due at may come a moment early.
    progress.askAgainAt = steadyMs() + (looks - 0.5) * this.#options.lookMs;
    return attempts + 1;
  }

  // What was asked for otherwise meanwhile has a record of its own, without this.
  async #keep(pod: PlannedPod, overdue: Overdue | null): Promise<void> {
    pod.overdue = overdue;
    const plan = JSON.stringify(pod.autoStop);
    await this.#options.records
      .update(pod.recordId, (record) =>
        record && JSON.stringify(record.facts.autoStop) === plan
          ? { ...record, facts: { ...record.facts, overdue } }
          : record,
      )
      .catch((error: Error) => this.#options.log(`cannot note how far the stop has come: ${error.message}`));
  }

  // The plan has had its time, and must not strike the pod's next run. A pod that is gone needs no record (I13).
  async #end({ recordId, autoStop }: PlannedPod): Promise<void> {
    this.#options.onEnd(recordId);
    await this.#options.records.update(recordId, (record) =>
      record && !autoStop.isForGood
        ? { ...record, facts: { ...record.facts, autoStop: null, overdue: null } }
        : undefined,
    );
  }
}

function dueNow(reason: DueReason): Overdue {
  return { ...reason, since: new Date().toISOString(), attempts: 0, takenAt: null, failure: null };
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
