import { steadyMs } from '../clock.ts';
import type { Fired, GuardPlan, GuardReport } from '../guard/orders.ts';
import type { GuardState } from '../machines/guard.ts';
import type { Home } from '../store/home.ts';
import type { Journal } from '../store/journal.ts';
import {
  type GuardStanding,
  isPlanned,
  type KeptPod,
  type PlanFacts,
  type PlannedPod,
} from '../store/plans.ts';
import { RecordStore } from '../store/records.ts';
import { Turns } from '../turns.ts';
import { Guard } from './guard.ts';
import type { PodShell } from './pod-shell.ts';
import type { Stopping } from './stopping.ts';
import { Writes } from './writes.ts';

interface GuardsOptions {
  home: Home;
  /** Knows the pods with a plan, and those whose guard may be at work without one. */
  stopping: Pick<Stopping, 'readPlans' | 'guarded'>;
  journal: Pick<Journal, 'append'>;
  tunnelTo: (podId: string) => Way | undefined;
  /** Whether a job of ours is at work on the pod, or its files are on their way. */
  worksAt: (podId: string) => boolean;
  /** See `GuardPlan`. */
  leadMs: number;
  log: (line: string) => void;
}

/** A tunnel, as far as a guard has to do with it. */
interface Way {
  /** A way into the pod while the tunnel is healthy. */
  shell: PodShell | undefined;
  /** When somebody last used the pod through it, by `steadyMs()`. */
  lastActivityAt: number | undefined;
}

interface Kept {
  guard: Guard;
  recordId: string;
  bootId: string;
  /** Number of the orders that it is to go by. */
  seq: number;
  standing: GuardStanding | null;
  /** How the pod ended itself, where no command has been told yet. */
  news: GuardStanding['last'];
  seenFrom: number;
}

interface Change {
  event: string;
  from: GuardState;
  to: GuardState;
  why: string | null;
}

/** The guards of the pods that have a plan. The plan in the pod's record is what they are given: there is no other. */
export class Guards {
  readonly #options: GuardsOptions;
  readonly #records: RecordStore<PlanFacts>;
  readonly #kept = new Map<string, Kept>();
  readonly #turns = new Turns();
  readonly #writes: Writes;

  constructor(options: GuardsOptions) {
    this.#options = options;
    this.#writes = new Writes((error) => options.log(`cannot note how a guard stands: ${error.message}`));
    const { pods: path, locks } = options.home;
    this.#records = new RecordStore({ path, locks });
  }

  /** Arms, beats and looks, for each pod that ssh reaches. A pod that is being looked at is left to that. */
  async look(): Promise<void> {
    const guarded = await this.#guarded();
    const isGuarded = new Set(guarded.map(({ podId }) => podId));
    for (const [podId, { news }] of this.#kept) if (!isGuarded.has(podId) && !news) this.#kept.delete(podId);
    await Promise.all(
      guarded.map(async (pod) => pod.podId && !this.#turns.has(pod.podId) && this.#take(pod, pod.podId)),
    ).catch((error: Error) => this.#options.log(`cannot look at a guard: ${error.message}`));
  }

  /**
   * Has the guard of a pod go by the plan as it is now, and resolves with how it stands then and, once, with how the pod
   * ended itself; null where there never was one.
   */
  async arm(podId: string): Promise<GuardStanding | null> {
    const pod = (await this.#guarded()).find((one) => one.podId === podId);
    if (pod) await this.#take(pod, podId);
    const kept = this.#kept.get(podId);
    if (pod) await kept?.guard.settled();
    await this.#writes.done;
    if (!pod && !kept?.news) return null;
    if (!kept?.standing) return pod?.guard ? { ...pod.guard, last: null } : null;
    const told = { ...kept.standing, last: kept.news };
    kept.news = null;
    return told;
  }

  /** A way into a pod that ssh reaches. */
  shellOf(podId: string): PodShell | undefined {
    return this.#options.tunnelTo(podId)?.shell;
  }

  async #guarded(): Promise<KeptPod[]> {
    const { stopping } = this.#options;
    await stopping.readPlans();
    return stopping.guarded;
  }

  #take(pod: KeptPod, podId: string): Promise<void> {
    return this.#turns.take(podId, async () => {
      const shell = this.shellOf(podId);
      if (!shell) return;
      if (isPlanned(pod)) await this.#guard(pod, podId, shell);
      else await this.#disarm(pod, podId, shell);
    });
  }

  async #guard(pod: PlannedPod, podId: string, shell: PodShell): Promise<void> {
    const { tunnelTo, worksAt, leadMs } = this.#options;
    const plan = planOf(pod, podId, leadMs);
    const kept = this.#keptOf(pod, podId);
    kept.seq = plan.seq;
    kept.bootId = shell.bootId;
    const quietSince = Math.max(kept.seenFrom, tunnelTo(podId)?.lastActivityAt ?? 0);
    const isAtWork = worksAt(podId);
    await kept.guard.look(plan, shell, { unusedMs: isAtWork ? 0 : steadyMs() - quietSince, isAtWork });
  }

  // What is in the pod has to hear that there is no plan any more. Later orders of another machine stay.
  async #disarm(pod: KeptPod, podId: string, shell: PodShell): Promise<void> {
    const kept = this.#keptOf(pod, podId);
    kept.seq = (kept.standing?.seq ?? 0) + 1;
    if (!(await kept.guard.drop(kept.seq, pod.wish.volumeMount || null, shell))) return;
    const last = kept.standing?.last ?? null;
    const since = new Date().toISOString();
    const standing: GuardStanding = { state: 'unarmed', why: null, since, seq: kept.seq, last };
    kept.standing = standing;
    this.#keep(kept, ({ autoStop }) => (autoStop ? {} : { guard: standing }));
    await this.#writes.done;
  }

  #keptOf({ recordId, guard: standing = null }: KeptPod, podId: string): Kept {
    const known = this.#kept.get(podId);
    if (known) return known;
    const guard = new Guard(podId, {
      log: this.#options.log,
      onState: (change) => this.#note(podId, change),
      onReport: (report) => this.#read(podId, report),
    });
    const kept = { guard, recordId, bootId: '', seq: 0, standing, news: null, seenFrom: steadyMs() };
    this.#kept.set(podId, kept);
    return kept;
  }

  #note(podId: string, { event, from, to, why }: Change): void {
    const at = new Date().toISOString();
    const entry = { at, machine: 'guard@1', id: podId, podId, event, from, to, reason: why ?? undefined };
    this.#writes.add(() => this.#options.journal.append(entry));
    const kept = this.#kept.get(podId);
    if (!kept) return;
    const { seq = 0, last = null } = kept.standing ?? {};
    const standing = { state: to, why, since: at, bootId: kept.bootId, seq, last };
    kept.standing = standing;
    this.#keep(kept, () => ({ guard: standing }));
  }

  #read(podId: string, report: GuardReport): void {
    const kept = this.#kept.get(podId);
    if (!kept) return;
    if (report.before) this.#tellEnd(kept, podId, report.before);
    if (kept.standing) kept.standing = { ...kept.standing, seq: Math.max(kept.standing.seq, report.seq) };
    if (report.seq <= kept.seq) return;
    this.#options.log(`pod ${podId} has later orders from another machine; they hold here too`);
    this.#keep(kept, ({ autoStop }) => {
      if (!autoStop || (autoStop.setAt ?? 0) >= report.seq) return {};
      if (report.state === 'off') return { autoStop: null, overdue: null };
      const { stopInMs, idleMs, aloneMs, ending, seq } = report;
      const stopAt = stopInMs === null ? null : new Date(Date.now() + stopInMs).toISOString();
      const isForGood = ending === 'kill';
      return {
        autoStop: { ...autoStop, stopAt, idleMs, aloneMs, isForGood, limitUsd: null, setAt: seq },
        overdue: null,
      };
    });
  }

  /** Notes once that the pod ended itself, and why. */
  #tellEnd(kept: Kept, podId: string, { at, ending, why }: Fired): void {
    const time = new Date(at).toISOString();
    if (kept.standing?.last?.at === time) return;
    const last = { at: time, ending, why };
    kept.news = last;
    if (kept.standing) kept.standing = { ...kept.standing, last };
    const entry = {
      at: time,
      machine: 'guard@1',
      id: podId,
      podId,
      event: 'guard.ended',
      from: 'due',
      to: 'fired',
    };
    this.#writes.add(() => this.#options.journal.append({ ...entry, reason: why }));
    this.#keep(kept, ({ guard }) => (guard ? { guard: { ...guard, last } } : {}));
  }

  #keep({ recordId }: Kept, change: (facts: PlanFacts) => Partial<PlanFacts>): void {
    this.#writes.add(() =>
      this.#records.update(
        recordId,
        (record) => record && { ...record, facts: { ...record.facts, ...change(record.facts) } },
      ),
    );
  }
}

function planOf({ autoStop, wish }: PlannedPod, podId: string, leadMs: number): GuardPlan {
  const { stopAt, idleMs, aloneMs = null, isForGood, apiUrl, setAt = 1 } = autoStop;
  return {
    podId,
    seq: setAt,
    stopAt: stopAt === null ? null : Date.parse(stopAt),
    idleMs,
    aloneMs,
    ending: isForGood ? 'kill' : 'stop',
    apiUrl,
    leadMs,
    volume: wish.volumeMount || null,
  };
}
