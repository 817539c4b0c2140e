import { readFileSync } from 'node:fs';
import type { Failure } from '../errors.ts';
import { RECORD_SCHEMA } from './record-schema.ts';

/** When the keeper stops a pod by itself; never while ComfyUI has a job. */
export interface AutoStop {
  /** ISO 8601, UTC. */
  stopAt: string | null;
  /** Milliseconds without traffic or job. */
  idleMs: number | null;
  /** It is then ended for good. */
  isForGood?: boolean | undefined;
  /** USD of `max_per_launch`, where `stopAt` is when the pod will have cost that much. */
  limitUsd?: number | null | undefined;
  /** Milliseconds without a sign of this machine, and with nothing to do, after which the pod ends itself. */
  aloneMs?: number | null | undefined;
  /** What is known of the guard in the pod. */
  guard?: GuardStanding | null | undefined;
  /** The pod was due to be stopped, and RunPod has not shown it stopped since. */
  overdue?: Overdue | null | undefined;
}

/** How far a stop that was due has come. Times are ISO 8601, UTC. */
export interface Overdue {
  since: string;
  /** Whether its time was up, or nobody used it; and that in words. */
  kind: 'time' | 'idle';
  words: string;
  /** How many times RunPod was asked in vain, or has not done what it took. */
  attempts: number;
  /** When RunPod last took the request; null where it never has. */
  takenAt: string | null;
  /** Why RunPod last did not take it; null where it has. */
  failure: Failure | null;
}

/** How the guard in a pod stands: it ends the pod whatever becomes of this machine. */
export interface GuardStanding {
  state: 'unarmed' | 'arming' | 'armed' | 'due' | 'fired' | 'refused';
  /** Why it is not armed, or why it ends the pod, in words. */
  why: string | null;
  /** ISO 8601, UTC. */
  since: string;
  /** Of which boot of the pod this is known. */
  bootId?: string | undefined;
  /** Number of the orders it goes by. */
  seq: number;
  /** It has not heard of the plan as it is now, and goes by the one before. */
  isBehind?: boolean;
  /** How the pod ended itself last, and when (ISO 8601, UTC). */
  last: { at: string; ending: 'stop' | 'kill'; why: string } | null;
}

/** A plan as the pod's record keeps it, with what the keeper needs to carry it out. */
export interface StopPlan extends Omit<AutoStop, 'overdue' | 'guard'> {
  /** Why, where it is for another reason than its time, in words for the journal. */
  why?: string | undefined;
  /** A fleet's engine stops the pod; the keeper only sees whether it is due, and looks after the guard. */
  isCarriedOutElsewhere?: boolean | undefined;
  /** Number of the plan, see `nextSeq`. Of two machines' plans the one with the higher number holds. */
  setAt?: number;
  /** Server the pod belongs to; the key is not kept. */
  apiUrl: string;
  /** The ssh key with which a pod that has no tunnel is asked for its jobs. */
  keyPath: string;
  needsAgent: boolean;
  agentSocket: string | null;
}

/** The facts of a pod that a plan is about. */
export interface PlanFacts {
  launchId: string;
  podId: string | null;
  isCreateOpen: boolean;
  unansweredCreates: number;
  wish: { name: string; volumeMount?: string };
  autoStop?: StopPlan | null;
  overdue?: Overdue | null;
  guard?: GuardStanding | null;
}

export interface KeptPod extends PlanFacts {
  recordId: string;
}

export interface PlannedPod extends KeptPod {
  autoStop: StopPlan;
}

/** Number of the orders that a change of plan is: later than all before it, whatever the wall clock was set to. */
export function nextSeq({ autoStop, guard }: ToldFacts, now = Date.now()): number {
  return Math.max(now, (autoStop?.setAt ?? 0) + 1, (guard?.seq ?? 0) + 1);
}

/** Whether a guard in the pod may be at work. */
export function mayBeGuarded({ guard }: ToldFacts): boolean {
  return guard != null && guard.state !== 'unarmed';
}

/**
 * The pods with a plan, read from `pods.json` without the store, so that a status costs no library. Undefined when
 * the file cannot be read: the commands that write it tell.
 */
export function plannedPods(podsPath: string): PlannedPod[] | undefined {
  return keptPods(podsPath)?.filter(isPlanned);
}

export function isPlanned(pod: KeptPod): pod is PlannedPod {
  return pod.autoStop != null;
}

/** As `plannedPods`, those without a plan included. */
export function keptPods(podsPath: string): KeptPod[] | undefined {
  try {
    const text = readOrEmpty(podsPath);
    const { records = {} } = text === '' ? {} : (JSON.parse(text) as { records?: Record<string, Kept> });
    return Object.entries(records)
      .filter(([, { schema, machine }]) => schema <= RECORD_SCHEMA && machine === 'pod@1')
      .map(([recordId, { facts }]) => ({ ...facts, recordId }));
  } catch {
    return undefined;
  }
}

interface Kept {
  schema: number;
  machine: string;
  facts: PlanFacts;
}

interface ToldFacts {
  autoStop?: StopPlan | null | undefined;
  overdue?: Overdue | null | undefined;
  guard?: GuardStanding | null | undefined;
}

/** What is told of a plan: when, and how far it has come. With the pod as it is now a guard that ended with its container is none. */
export function toldPlan(
  { autoStop, overdue, guard }: ToldFacts,
  pod?: { bootId: string; condition: string },
): AutoStop | undefined {
  if (!autoStop) return undefined;
  const { stopAt, idleMs, aloneMs = null, isForGood, limitUsd } = autoStop;
  return {
    stopAt,
    idleMs,
    aloneMs,
    ...(isForGood && { isForGood: true }),
    ...(limitUsd && { limitUsd }),
    overdue: overdue ?? null,
    guard: guard ? standingOf(guard, autoStop, pod) : null,
  };
}

// What the pod was told before is in force there until ssh reaches it, or until its container ends.
function standingOf(
  guard: GuardStanding,
  { setAt = 0 }: StopPlan,
  pod: { bootId: string; condition: string } | undefined,
): GuardStanding {
  const isAtWork = ['armed', 'due', 'fired'].includes(guard.state);
  const hasEnded = pod && (pod.condition !== 'running' || (guard.bootId ?? pod.bootId) !== pod.bootId);
  if (isAtWork && hasEnded)
    return { ...guard, state: 'unarmed', why: 'it ended with the run of the pod before' };
  return isAtWork && guard.seq < setAt ? { ...guard, isBehind: true } : guard;
}

/** Whether RunPod may have the pod. */
export function hasPod({ podId, isCreateOpen }: PlanFacts): boolean {
  return podId !== null || isCreateOpen;
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
