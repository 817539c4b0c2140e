import { type Failure, isFailureCode } from '../errors.ts';
import type { TunnelView } from '../keeper/client.ts';
import { stateName } from '../machines/names.ts';
import type { JournalEntry } from '../store/journal.ts';
import type { StoredRecord } from '../store/records.ts';

/** What happened, why, and what to do next. */
export interface Advice {
  what: string;
  why?: string | undefined;
  next?: string | undefined;
}

/** A pod or a tunnel, as the page shows it. */
export interface Subject {
  /** `pod/` or `tunnel/`, and the id its journal entries carry. */
  id: string;
  /** `pod@1` or `tunnel@1`. */
  machine: string;
  title: string;
  podId: string | null;
  /** Such as `creating.placing`. */
  state: string;
  /** ISO 8601, UTC: when it entered its state, or was last saved. */
  since: string;
  /** No record is left of it; what is known is in the journal. */
  isPast: boolean;
  /** The process that moves it now; null when none does. */
  driver: number | null;
  failure: (Failure & { words: Advice }) | null;
  /** The machine's context as far as it is kept. */
  facts: Record<string, unknown>;
}

type Records = Record<string, StoredRecord<object>>;

/** What is read from the home and its processes. */
export interface Sources {
  pods: Records;
  tunnels: TunnelView[];
  entries: JournalEntry[];
  /** Process that moves each pod that has one, by the record's id. */
  drivers: Map<string, number>;
  keeper: number | null;
  explain: (failure: Failure) => Advice;
}

/** Everything there is to show: pods and tunnels with their records, then those only the journal knows, the latest first. */
export function subjectsOf(sources: Sources): Subject[] {
  const last = new Map(sources.entries.map((entry) => [subjectId(entry), entry]));
  const pods = Object.entries(sources.pods).map(([id, record]) =>
    podSubject(id, record, last.get(`pod/${id}`), sources),
  );
  const tunnels = sources.tunnels.map((view) =>
    tunnelSubject(view, last.get(`tunnel/${view.podId}`), sources),
  );
  const isTo = (pod: Subject) => (tunnel: Subject) => tunnel.podId === pod.podId;
  const now = [
    ...pods.flatMap((pod) => [pod, ...tunnels.filter(isTo(pod))]),
    ...tunnels.filter((tunnel) => !pods.some((pod) => isTo(pod)(tunnel))),
  ];
  const known = new Set(now.map(({ id }) => id));
  const past = [...last].filter(([id]) => !known.has(id)).sort(([, a], [, b]) => (a.at < b.at ? 1 : -1));
  return [...now, ...past.map(([id, entry]) => pastSubject(id, entry, sources))];
}

function subjectId({ machine, id }: JournalEntry): string {
  return `${machine.split('@')[0]}/${id}`;
}

function podSubject(
  recordId: string,
  { machine, facts, snapshot, savedAt }: StoredRecord<object>,
  last: JournalEntry | undefined,
  { drivers, explain }: Sources,
): Subject {
  const { podId, wish, failure } = facts as PodLike;
  return {
    id: `pod/${recordId}`,
    machine,
    title: wish?.name || podId || recordId,
    podId: podId ?? null,
    state: last?.to ?? savedState(snapshot),
    since: last?.at ?? savedAt,
    isPast: false,
    driver: drivers.get(recordId) ?? null,
    failure: failure ? { ...failure, words: explain(failure) } : null,
    facts: { ...facts },
  };
}

function tunnelSubject(
  view: TunnelView,
  last: JournalEntry | undefined,
  { keeper, explain }: Sources,
): Subject {
  const { state, since, failure, ...facts } = view;
  // The keeper may have gone on since it was asked.
  const later = keeper !== null && last && last.at > since ? last : undefined;
  return {
    id: `tunnel/${view.podId}`,
    machine: 'tunnel@1',
    title: `localhost:${view.localPort}`,
    podId: view.podId,
    state: later?.to ?? state,
    since: later?.at ?? since,
    isPast: false,
    driver: keeper,
    failure: failure ? { ...failure, words: explain(failure) } : null,
    facts,
  };
}

function pastSubject(id: string, entry: JournalEntry, { explain }: Sources): Subject {
  const code = entry.to === 'failed' ? entry.reason?.split(':')[0] : undefined;
  const failure = isFailureCode(code) ? { code, detail: {} } : null;
  return {
    id,
    machine: entry.machine,
    title: entry.id,
    podId: entry.machine.startsWith('tunnel@') ? entry.id : null,
    state: entry.to,
    since: entry.at,
    isPast: true,
    driver: null,
    failure: failure && { ...failure, words: explain(failure) },
    facts: {},
  };
}

/** What is read of a pod's facts; a record of another version may lack any of it. */
interface PodLike {
  podId?: string | null;
  wish?: { name?: string };
  failure?: Failure | null;
}

function savedState(snapshot: unknown): string {
  const value = (snapshot as { value?: unknown } | null)?.value;
  return value === undefined ? 'unknown' : stateName(value);
}
