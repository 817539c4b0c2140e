import type { AutoStop } from '../../keeper/client.ts';
import type { Overdue } from '../../store/plans.ts';
import { FAILURE_WORDS } from './failures.ts';
import { guardWords } from './guard.ts';
import { momentOf } from './time.ts';
import { uptimeWords } from './uptime.ts';

/** When a pod is stopped or ended by itself, or what keeps that from being done when it was due. */
export function planSentence(subject: string, plan: AutoStop, by = '', watcher?: string): string {
  if (plan.overdue) return `${subject} ${overdueWords(plan.overdue, plan.isForGood)}`;
  const done = plan.isForGood ? 'ended for good' : 'stopped';
  return isPast(plan)
    ? `${subject}: its time is up, and it is ${done} as soon as no job runs.`
    : `${subject} will be ${done} ${autoStopWords(plan)}${by}${guardWords(plan.guard, watcher)}.`;
}

/** `was due to stop at 14:05 and still runs: ...`, with what autopod does about it. */
function overdueWords({ since, takenAt, failure }: Overdue, isForGood = false, now = new Date()): string {
  const { what = '', why } = failure ? FAILURE_WORDS[failure.code](failure.detail) : {};
  const reason = failure
    ? [what, why].filter(Boolean).join(' ')
    : `RunPod took the request${takenAt ? ` at ${momentOf(new Date(takenAt), now)}` : ''} and has not done it yet.`;
  return `was due to ${isForGood ? 'be ended' : 'stop'} at ${momentOf(new Date(since), now)} and still runs: ${reason} autopod keeps asking.`;
}

/** Of a plan as one cell: what is due and not done is never a promise. */
export function planCell(plan: AutoStop, watcher?: string): string {
  if (plan.overdue) return overdueWords(plan.overdue, plan.isForGood);
  return `${isPast(plan) ? 'its time is up; as soon as no job runs' : autoStopWords(plan)}${guardWords(plan.guard, watcher)}`;
}

function isPast({ stopAt }: AutoStop): boolean {
  return stopAt !== null && Date.parse(stopAt) < Date.now();
}

/** `at 14:05`, on another day with its date, `after 30m without use`, or both. */
export function autoStopWords({ stopAt, idleMs, aloneMs, limitUsd }: AutoStop, now = new Date()): string {
  const limit = limitUsd ? ` (by max_per_launch, $${limitUsd.toFixed(2)})` : '';
  const time = stopAt && momentOf(new Date(stopAt), now) + limit;
  const idle = idleMs && `after ${uptimeWords(idleMs / 1000)} without use`;
  const alone = aloneMs && `after ${uptimeWords(aloneMs / 1000)} without a sign of this machine`;
  return [time && `at ${time}`, idle, alone].filter(Boolean).join(', or ');
}

/** What becomes of a plan while this machine is off; of a pod that is not there yet, what will be. */
export function whoWatches({ guard }: AutoStop): string {
  if (guard === undefined)
    return 'A guard is armed in the pod before it is ready; until then, nothing stops the pod while this machine sleeps or is off.';
  return guard?.state === 'armed'
    ? 'The guard in the pod sees to that even while this machine is off.'
    : 'While this machine sleeps or is off, nothing stops the pod; it is stopped once the machine wakes.';
}
