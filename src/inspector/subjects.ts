import { isDeepStrictEqual } from 'node:util';
import type { Failure } from '../errors.ts';
import type { TunnelView } from '../keeper/client.ts';
import { stateName } from '../machines/names.ts';
import type { Candidate, Refusal } from '../machines/pod-types.ts';
import type { JournalEntry } from '../store/journal.ts';
import type { StoredRecord } from '../store/records.ts';

/** What happened, why, and what to do next. */
export interface Advice {
  what: string;
  why?: string | undefined;
  next?: string | undefined;
}

/** What the inspector says about things that have a wording of their own. */
export interface Wording {
  failure: (failure: Failure) => Advice;
  /** A failure of which only the journal tells. */
  pastFailure: (entry: JournalEntry) => Advice;
  candidate: (candidate: Candidate) => string;
}

/** A pod or a tunnel, as the page shows it. */
export interface Subject {
  /** `pod/` or `tunnel/`, and the id its journal entries carry. */
  id: string;
  /** `pod@1` or `tunnel@1`. */
  machine: string;
  /** A launch is a pod that RunPod has not made yet, or never did. */
  kind: 'pod' | 'launch' | 'tunnel';
  title: string;
  podId: string | null;
  /** Id of the pod it stands under in the list; null when it stands by itself. */
  under: string | null;
  /** Such as `creating.placing`. */
  state: string;
  /** ISO 8601, UTC: when it entered its state, or was last saved; null when nobody knows. */
  since: string | null;
  /** ISO 8601, UTC: when waiting in this state is given up, where that is known. */
  until: string | null;
  /** No record is left of it; what is known is in the journal. */
  isPast: boolean;
  /** The process that moves it now; null when none does. */
  driver: number | null;
  failure: ({ code: string } & { words: Advice }) | null;
  /** Where the pod may be placed, in order, with what RunPod said; empty when it is not being placed. */
  candidates: PlacingStep[];
  /** The machine's context as far as it is kept. */
  facts: Record<string, unknown>;
}

export interface PlacingStep {
  words: string;
  /** Why RunPod did not place it there. */
  refusal: string | null;
  /** RunPod is being asked for it now. */
  isCurrent: boolean;
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
  wording: Wording;
}

/**
 * Everything there is to show: pods with their records, each with its tunnel, then other tunnels, then those only
 * the journal knows, the latest first.
 */
export function subjectsOf(sources: Sources): Subject[] {
  const last = new Map(sources.entries.map((entry) => [subjectId(entry), entry]));
  const pods = Object.entries(sources.pods).map(([id, record]) =>
    podSubject(id, record, last.get(`pod/${id}`), sources),
  );
  const tunnels = sources.tunnels.map((view) =>
    tunnelSubject(view, last.get(`tunnel/${view.podId}`), sources),
  );
  const known = new Set([...pods, ...tunnels].map(({ id }) => id));
  const past = [...last]
    .filter(([id]) => !known.has(id))
    .sort(([, a], [, b]) => (a.at < b.at ? 1 : -1))
    .map(([id, entry]) => pastSubject(id, entry, sources));
  const below = (pod: Subject) =>
    [...tunnels, ...past]
      .filter(({ id, podId }) => podId !== null && podId === pod.podId && id.startsWith('tunnel/'))
      .map((tunnel) => ({ ...tunnel, under: pod.id }));
  const families = pods.flatMap((pod) => [pod, ...below(pod)]);
  const placed = new Set(families.map(({ id }) => id));
  return [...families, ...[...tunnels, ...past].filter(({ id }) => !placed.has(id))];
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
  const podId = entry.podId ?? (isTunnel ? entry.id : null);
  const hasFailed = entry.to === 'failed' && reason !== undefined;
  return {
    id,
    machine: entry.machine,
    kind: isTunnel ? 'tunnel' : podId ? 'pod' : 'launch',
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
