import { steadyMs } from '../clock.ts';
import type { Fired, GuardPlan, GuardReport } from '../guard/orders.ts';
import type { GuardState } from '../machines/guard.ts';
import type { Journal } from '../store/journal.ts';
import type { GuardStanding, PlanFacts, PlannedPod } from '../store/plans.ts';
import type { RecordStore } from '../store/records.ts';
import { Guard } from './guard.ts';
import type { PodShell } from './pod-shell.ts';

interface GuardsOptions {
  records: RecordStore<PlanFacts>;
  journal: Journal;
  /** A way into the pod while its tunnel is healthy. */
  shellOf: (podId: string) => PodShell | undefined;
  /** When somebody last used the pod through its tunnel, by `steadyMs()`. */
  usedAt: (podId: string) => number | undefined;
  log: (line: string) => void;
}

interface Kept {
  guard: Guard;
  pod: PlannedPod;
  seenFrom: number;
}

/** The guards of the pods that have a plan. The plan in the pod's record is what they are given: there is no other. */
export class Guards {
  readonly #options: GuardsOptions;
  readonly #kept = new Map<string, Kept>();
  #writes: Promise<void> = Promise.resolve();

  constructor(options: GuardsOptions) {
    this.#options = options;
  }

  /** Arms, beats and looks, for each pod that ssh reaches. */
  async look(planned: PlannedPod[]): Promise<void> {
    const isPlanned = new Set(planned.map(({ podId }) => podId));
    const dropped = [...this.#kept].filter(([podId]) => !isPlanned.has(podId));
    await Promise.all([
      ...planned.map((pod) => this.#lookAt(pod)),
      ...dropped.map(async ([podId, { guard }]) => {
        this.#kept.delete(podId);
        await guard.drop(this.#options.shellOf(podId));
      }),
    ]);
  }

  /** Has the guard of a pod armed now, and resolves with how that went; undefined where it has no plan, or ssh does not reach it. */
  async arm(pod: PlannedPod): Promise<GuardStanding | undefined> {
    await this.#lookAt(pod);
    const kept = pod.podId === null ? undefined : this.#kept.get(pod.podId);
    if (!kept) return undefined;
    await kept.guard.settled();
    await this.#writes;
    return kept.pod.guard ?? undefined;
  }

  async #lookAt(pod: PlannedPod): Promise<void> {
    const { podId } = pod;
    if (podId === null) return;
    const shell = this.#options.shellOf(podId);
    if (!shell) return;
    const kept = this.#kept.get(podId) ?? this.#begin(pod, podId);
    // What is noted of it in this process may not be read again yet.
    pod.guard = kept.pod.guard ?? pod.guard ?? null;
    kept.pod = pod;
    const quietSince = Math.max(kept.seenFrom, this.#options.usedAt(podId) ?? 0);
    await kept.guard.look(planOf(pod, podId), shell, steadyMs() - quietSince);
  }

  #begin(pod: PlannedPod, podId: string): Kept {
    const guard = new Guard(planOf(pod, podId), {
      log: this.#options.log,
      onState: (change) => this.#note(podId, change),
      onReport: (report) => this.#read(podId, report),
    });
    const kept = { guard, pod, seenFrom: steadyMs() };
    this.#kept.set(podId, kept);
    return kept;
  }

  #note(
    podId: string,
    { event, from, to, why }: { event: string; from: GuardState; to: GuardState; why: string | null },
  ): void {
    const at = new Date().toISOString();
    const kept = this.#kept.get(podId);
    const entry = { at, machine: 'guard@1', id: podId, podId, event, from, to };
    this.#enqueue(() => this.#options.journal.append({ ...entry, reason: why ?? undefined }));
    if (!kept) return;
    const { seq = 0, last = null } = kept.pod.guard ?? {};
    const standing = { state: to, why, since: at, seq, last };
    kept.pod.guard = standing;
    this.#keep(kept.pod.recordId, () => ({ guard: to === 'unarmed' ? null : standing }));
  }

  #read(podId: string, report: GuardReport): void {
    const kept = this.#kept.get(podId);
    if (!kept) return;
    if (report.before) this.#tellEnd(kept, podId, report.before);
    const own = seqOf(kept.pod);
    if (kept.pod.guard) kept.pod.guard = { ...kept.pod.guard, seq: report.seq };
    if (report.seq <= own) return;
    this.#options.log(`pod ${podId} has later orders from another machine; they hold here too`);
    this.#keep(kept.pod.recordId, ({ autoStop }) => {
      if (!autoStop || (autoStop.setAt ?? 0) >= report.seq) return {};
      const { stopInMs, idleMs, aloneMs, ending } = report;
      const stopAt = stopInMs === null ? null : new Date(Date.now() + stopInMs).toISOString();
      return {
        autoStop: { ...autoStop, stopAt, idleMs, aloneMs, isForGood: ending === 'kill', setAt: report.seq },
        overdue: null,
      };
    });
  }

  /** Says once that the pod ended itself, and why. */
  #tellEnd({ pod }: Kept, podId: string, { at, ending, why }: Fired): void {
    const time = new Date(at).toISOString();
    if (pod.guard?.last?.at === time) return;
    const last = { at: time, ending, why };
    if (pod.guard) pod.guard = { ...pod.guard, last };
    const entry = {
      at: time,
      machine: 'guard@1',
      id: podId,
      podId,
      event: 'pod.ended',
      from: 'due',
      to: 'fired',
    };
    this.#enqueue(() => this.#options.journal.append({ ...entry, reason: why }));
    this.#keep(pod.recordId, ({ guard }) => (guard ? { guard: { ...guard, last } } : {}));
  }

  #keep(recordId: string, change: (facts: PlanFacts) => Partial<PlanFacts>): void {
    this.#enqueue(() =>
      this.#options.records.update(
        recordId,
        (record) => record && { ...record, facts: { ...record.facts, ...change(record.facts) } },
      ),
    );
  }

  #enqueue(write: () => Promise<void>): void {
    this.#writes = this.#writes
      .then(write)
      .catch((error: Error) => this.#options.log(`cannot note how a guard stands: ${error.message}`));
  }
}

function planOf({ autoStop, wish }: PlannedPod, podId: string): GuardPlan {
  const { stopAt, idleMs, aloneMs = null, isForGood, apiUrl } = autoStop;
  return {
    podId,
    seq: autoStop.setAt ?? 1,
    stopAt: stopAt === null ? null : Date.parse(stopAt),
    idleMs,
    aloneMs,
    ending: isForGood ? 'kill' : 'stop',
    apiUrl,
    volume: wish.volumeMount || null,
  };
}

function seqOf({ autoStop }: PlannedPod): number {
  return autoStop.setAt ?? 1;
}
