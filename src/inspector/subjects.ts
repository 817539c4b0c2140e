import { isDeepStrictEqual } from 'node:util';
import type { Failure } from '../errors.ts';
import type { TunnelView } from '../keeper/client.ts';
import { stateName } from '../machines/names.ts';
import type { Candidate, Refusal } from '../machines/pod-types.ts';
import type { JournalEntry } from '../store/journal.ts';
import type { StoredRecord } from '../store/records.ts';
import { guardSubject } from './guard-subject.ts';
import { jobSubject } from './job-subjects.ts';
import type { Advice, Subject, Wording } from './subject.ts';

export type { Advice, Subject, Wording };

type Records = Record<string, StoredRecord<object>>;

/** What is read from the home and its processes. */
export interface Sources {
  pods: Records;
  tunnels: TunnelView[];
  /** Those that moved lately. */
  jobs?: Records;
  entries: JournalEntry[];
  /** Process that moves each pod that has one, by the record's id. */
  drivers: Map<string, number>;
  keeper: number | null;
  wording: Wording;
}

/**
 * Everything there is to show: pods with their records, each with its tunnel, its guard and the jobs that moved lately, then other
 * tunnels and jobs, then those only the journal knows, the latest first.
 */
export function subjectsOf(sources: Sources): Subject[] {
  const last = new Map(sources.entries.map((entry) => [subjectId(entry), entry]));
  const pods = Object.entries(sources.pods).map(([id, record]) =>
    podSubject(id, record, last.get(`pod/${id}`), sources),
  );
  const tunnels = sources.tunnels.map((view) =>
    tunnelSubject(view, last.get(`tunnel/${view.podId}`), sources),
  );
  const guards = Object.values(sources.pods).flatMap((record) => {
    const { podId } = record.facts as PodLike;
    return guardSubject(record, last.get(`guard/${podId}`), sources.keeper) ?? [];
  });
  const jobs = Object.entries(sources.jobs ?? {}).map(([id, record]) =>
    jobSubject(id, record, last.get(`job/${id}`), sources.keeper, sources.wording),
  );
  const known = new Set([...pods, ...tunnels, ...guards].map(({ id }) => id));
  const past = [...last]
    .filter(([id]) => !known.has(id) && !id.startsWith('job/'))
    .sort(([, a], [, b]) => (a.at < b.at ? 1 : -1))
    .map(([id, entry]) => pastSubject(id, entry, sources));
  const below = (pod: Subject) =>
    [...tunnels, ...guards, ...past, ...jobs]
      .filter(({ id, podId }) => podId !== null && podId === pod.podId && !id.startsWith('pod/'))
      .map((subject) => ({ ...subject, under: pod.id }));
  const families = pods.flatMap((pod) => [pod, ...below(pod)]);
  const placed = new Set(families.map(({ id }) => id));
  return [...families, ...[...tunnels, ...jobs, ...past].filter(({ id }) => !placed.has(id))];
}

function subjectId({ machine, id }: JournalEntry): string {
  return `${machine.split('@')[0]}/${id}`;
}

function podSubject(
  recordId: string,
  { machine, facts, snapshot, savedAt }: StoredRecord<object>,
  last: JournalEntry | undefined,
  { drivers, wording }: Sources,
): Subject {
  const { podId, wish, failure } = facts as PodLike;
  const { value, readyBy, plan, candidate, refusals } = (snapshot ?? {}) as SavedLike;
  return {
    id: `pod/${recordId}`,
    machine,
    kind: podId ? 'pod' : 'launch',
    title: wish?.name || podId || recordId,
    podId: podId ?? null,
    under: null,
    state: last?.to ?? (value === undefined ? 'unknown' : stateName(value)),
    since: last?.at ?? savedAt,
    until: typeof readyBy === 'number' ? new Date(readyBy).toISOString() : null,
    isPast: false,
    driver: drivers.get(recordId) ?? null,
    failure: failure ? { code: failure.code, words: wording.failure(failure) } : null,
    candidates: (plan ?? []).map((one, index) => ({
      words: wording.candidate(one),
      refusal: refusalOf(one, refusals ?? [], wording),
      isCurrent: index === candidate,
    })),
    facts: { ...facts },
  };
}

function refusalOf(candidate: Candidate, refusals: Refusal[], { failure }: Wording): string | null {
  const refusal = refusals.find((one) => isDeepStrictEqual(one.candidate, candidate));
  if (!refusal) return null;
  const { what, why } = failure(refusal.failure);
  return why || what;
}

function tunnelSubject(
  view: TunnelView,
  last: JournalEntry | undefined,
  { keeper, wording }: Sources,
): Subject {
  const { state, since, failure, ...facts } = view;
  // The keeper may have gone on since it was asked.
  const later = keeper !== null && last && last.at > since ? last : undefined;
  const detail = { podId: view.podId, ...failure?.detail };
  return {
    id: `tunnel/${view.podId}`,
    machine: 'tunnel@1',
    kind: 'tunnel',
    title: `localhost:${view.localPort}`,
    podId: view.podId,
    under: null,
    state: later?.to ?? state,
    since: keeper === null ? null : (later?.at ?? since),
    until: null,
    isPast: false,
    driver: keeper,
    failure: failure ? { code: failure.code, words: wording.failure({ ...failure, detail }) } : null,
    candidates: [],
    facts,
  };
}

function pastSubject(id: string, entry: JournalEntry, { wording }: Sources): Subject {
  const { reason, name } = entry;
  const isTunnel = entry.machine.startsWith('tunnel@');
  const isGuard = entry.machine.startsWith('guard@');
  const podId = entry.podId ?? (isTunnel ? entry.id : null);
  const hasFailed = entry.to === 'failed' && reason !== undefined;
  return {
    id,
    machine: entry.machine,
    kind: isTunnel ? 'tunnel' : isGuard ? 'guard' : podId ? 'pod' : 'launch',
    title: name || podId || entry.id,
    podId,
    under: null,
    state: entry.to,
    since: entry.at,
    until: null,
    isPast: true,
    driver: null,
    failure: hasFailed ? { code: reason.split(':')[0] ?? '', words: wording.pastFailure(entry) } : null,
    candidates: [],
    facts: {},
  };
}

/** What is read of a pod's facts; a record of another version may lack any of it. */
interface PodLike {
  podId?: string | null;
  wish?: { name?: string };
  failure?: Failure | null;
}

/** What is read of a saved state; it may lack any of it, too. */
interface SavedLike {
  value?: unknown;
  readyBy?: number;
  plan?: Candidate[];
  candidate?: number;
  refusals?: Refusal[];
}
