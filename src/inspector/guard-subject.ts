import type { JournalEntry } from '../store/journal.ts';
import type { StoredRecord } from '../store/records.ts';
import type { Subject } from './subject.ts';

/** The guard in a pod, from the pod's record; undefined where the pod has none. */
export function guardSubject(
  { facts }: StoredRecord<object>,
  last: JournalEntry | undefined,
  keeper: number | null,
): Subject | undefined {
  const { podId, guard, autoStop } = facts as GuardLike;
  if (!podId || !guard || guard.state === 'unarmed') return undefined;
  const isRefused = guard.state === 'refused' && guard.why;
  return {
    id: `guard/${podId}`,
    machine: 'guard@1',
    kind: 'guard',
    title: 'in the pod',
    podId,
    under: null,
    state: guard.state ?? last?.to ?? 'unknown',
    since: guard.since ?? null,
    until: null,
    isPast: false,
    driver: keeper,
    failure: isRefused ? { code: 'refused', words: { what: `The guard is not armed: ${guard.why}` } } : null,
    candidates: [],
    facts: { ...guard, plan: autoStop ?? null },
  };
}

/** What is read of a pod's facts; a record of another version may lack any of it. */
interface GuardLike {
  podId?: string | null;
  guard?: { state?: string; why?: string | null; since?: string } | null;
  autoStop?: object | null;
}
