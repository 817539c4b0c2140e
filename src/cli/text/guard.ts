import type { GuardStanding } from '../../keeper/client.ts';
import { printable } from '../output/printable.ts';
import { momentOf } from './time.ts';

/** How the guard of a pod was armed, or why it is not; before that, how the pod ended itself last. */
export function guardSentence(podId: string, { state, why, last }: GuardStanding): string {
  const before = last ? `${selfEnded(podId, last)} ` : '';
  if (state === 'unarmed') return before.trimEnd();
  if (state === 'refused')
    return `${before}Guard: not armed: ${printable(why ?? '')}; only this machine watches.`;
  if (state === 'arming') return `${before}Guard: being armed; until then only this machine watches.`;
  return `${before}Guard: armed in pod ${podId}; it keeps to the plan even while this machine is off.`;
}

/** `Pod p stopped itself at 02:13: idle for 30 min.` */
export function selfEnded(
  podId: string,
  { at, ending, why }: NonNullable<GuardStanding['last']>,
  now = new Date(),
): string {
  return `Pod ${podId} ${ending === 'kill' ? 'ended' : 'stopped'} itself at ${momentOf(new Date(at), now)}: ${printable(why)}.`;
}

/** Behind a plan: who watches beside `watcher`. Nothing for a pod that is not there yet. */
export function guardWords(guard: GuardStanding | null | undefined, watcher = 'this machine'): string {
  if (guard === undefined) return '';
  if (guard?.isBehind)
    return '; the guard in the pod still goes by what it was told before, until ssh reaches it';
  if (guard?.state === 'armed') return '; guard armed in the pod';
  const why = guard?.why ? `: ${printable(guard.why)}` : '';
  if (guard?.state === 'due' || guard?.state === 'fired') return `; guard${why}`;
  return `; guard not armed${why}, only ${watcher} watches`;
}
