import { randomUUID } from 'node:crypto';
import { AutopodError } from '../errors.ts';
import { stateName } from '../machines/names.ts';
import type { AccessWish, Goal, PodContext, PodFacts, PodWish } from '../machines/pod-types.ts';
import type { Ledger } from '../store/ledger.ts';
import type { GuardStanding, Overdue, StopPlan } from '../store/plans.ts';
import { RECORD_SCHEMA } from '../store/record-schema.ts';
import type { RecordStore, StoredRecord } from '../store/records.ts';

const POD_MACHINE = 'pod@1';

/** What another process wants from the one that drives the pod. */
export interface Asked {
  goal: Goal;
  bootToReplace: string | null;
}

export interface PodRecordFacts extends PodFacts {
  asked: Asked | null;
  /** When the keeper stops the pod by itself; kept from before the pod is created until it is stopped. */
  autoStop?: StopPlan | null;
  /** How far a stop that was due has come; null while none is. */
  overdue?: Overdue | null;
  /** What is known of the guard in the pod. */
  guard?: GuardStanding | null;
  /** The pod does not take this machine's ssh key: it is acted on when it is named, and stands in the way of nothing else. */
  isOthers?: boolean;
  /** What the pod has cost, run by run. */
  ledger?: Ledger | null;
  /** What was last bought or started for it, kept before the request leaves: USD per hour, epoch milliseconds. */
  bought?: { costPerHour: number; at: number } | null;
  /** Of a fleet's pod: who asked for it. */
  owner?: string;
  /** Likewise: when the engine of the fleet stops it, ISO 8601, UTC. */
  stopAt?: string | null;
  /** Likewise: milliseconds without use after which it is stopped, where that was asked for it. */
  idleStopMs?: number | null;
}

export type PodStore = RecordStore<PodRecordFacts>;
export type PodRecord = StoredRecord<PodRecordFacts>;

/** Facts of a launch that has not begun. */
export function plannedLaunch(wish: PodWish, access: AccessWish): PodRecordFacts {
  return { ...unbegunFacts(randomUUID(), wish, access), asked: null };
}

/** Facts of a pod found at RunPod that no record tells of. */
export function adoptedPod(
  pod: { podId: string; launchId: string | undefined },
  wish: PodWish,
  access: AccessWish,
): PodRecordFacts {
  const launchId = pod.launchId ?? `pod:${pod.podId}`;
  return { ...unbegunFacts(launchId, wish, access), podId: pod.podId, asked: null };
}

/** What the machine begins with where nothing has been done yet. */
export function unbegunFacts(launchId: string, wish: PodWish, access: AccessWish): PodFacts {
  return {
    launchId,
    launchedAt: Date.now(),
    podId: null,
    wish,
    access,
    goal: 'ready',
    isCreateOpen: false,
    unansweredCreates: 0,
    bootToReplace: null,
    localPort: null,
    failure: null,
  };
}

/** What explains why the machine stays in a state; the inspector shows it, and no run goes by it. */
export type Waiting = Partial<Pick<PodContext, 'readyBy' | 'plan' | 'candidate' | 'refusals'>>;

export function waitingOf(stateValue: unknown, context: PodContext): Waiting {
  const { readyBy, plan, candidate, refusals } = context;
  const state = stateName(stateValue);
  if (state === 'creating.placing' || state === 'creating.lookingAgain') return { plan, candidate, refusals };
  return ['starting', 'booting', 'startingComfyUI'].includes(state) ? { readyBy } : {};
}

export function podRecord(facts: PodRecordFacts, stateValue: unknown, waiting?: Waiting): PodRecord {
  return {
    schema: RECORD_SCHEMA,
    machine: POD_MACHINE,
    facts,
    snapshot: { value: stateValue, ...waiting },
    savedAt: new Date().toISOString(),
  };
}

/** The state a record was saved in, such as `creating.placing`. */
export function savedState(record: PodRecord): string {
  const value = (record.snapshot as { value?: unknown } | null)?.value;
  return value === undefined ? 'unknown' : stateName(value);
}

/** Refuses by name what a later autopod wrote (I14). */
export function readable(id: string, record: PodRecord): PodRecord {
  const version = /^pod@(\d+)$/.exec(record.machine)?.[1];
  if (record.schema > RECORD_SCHEMA || version === undefined || Number(version) > 1) {
    throw new AutopodError('stateNewer', { record: id, machine: record.machine, schema: record.schema });
  }
  return record;
}
