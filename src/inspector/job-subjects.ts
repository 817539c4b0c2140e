import type { Failure } from '../errors.ts';
import type { JournalEntry } from '../store/journal.ts';
import type { StoredRecord } from '../store/records.ts';
import type { Subject, Wording } from './subject.ts';

/** Of a batch of thousands so many jobs are shown: those that moved last. */
const MOST_JOBS = 24;

/** The last entry of each job that moved lately, by the job's id, the latest first. */
export function latestJobs(entries: JournalEntry[]): Map<string, JournalEntry> {
  const last = new Map<string, JournalEntry>();
  for (let index = entries.length - 1; index >= 0 && last.size < MOST_JOBS; index--) {
    const entry = entries[index];
    if (entry?.machine.startsWith('job@') && !last.has(entry.id)) last.set(entry.id, entry);
  }
  return last;
}

/** Reads jobs' records, again only when the journal tells of something. */
export class JobRecords {
  readonly #read: (jobId: string) => Promise<StoredRecord<object> | undefined>;
  #kept = new Map<string, { at: string; record: StoredRecord<object> }>();

  constructor(read: (jobId: string) => Promise<StoredRecord<object> | undefined>) {
    this.#read = read;
  }

  /** By id, those that are there and can be read. */
  async of(last: Map<string, JournalEntry>): Promise<Record<string, StoredRecord<object>>> {
    const kept = new Map<string, { at: string; record: StoredRecord<object> }>();
    for (const [id, { at }] of last) {
      const before = this.#kept.get(id);
      const record = before?.at === at ? before.record : await this.#read(id).catch(() => undefined);
      if (record) kept.set(id, { at, record });
    }
    this.#kept = kept;
    return Object.fromEntries([...kept].map(([id, { record }]) => [id, record]));
  }
}

export function jobSubject(
  jobId: string,
  { machine, facts, savedAt }: StoredRecord<object>,
  last: JournalEntry | undefined,
  keeper: number | null,
  wording: Wording,
): Subject {
  const { name, podId, ranOn, failure } = facts as JobLike;
  return {
    id: `job/${jobId}`,
    machine,
    kind: 'job',
    title: name ? `${jobId} ${name}` : jobId,
    podId: podId ?? ranOn?.podId ?? null,
    under: null,
    state: last?.to ?? 'unknown',
    since: last?.at ?? savedAt,
    until: null,
    isPast: false,
    driver: keeper,
    failure: failure ? { code: failure.code, words: wording.failure(failure) } : null,
    candidates: [],
    facts: { ...facts },
  };
}

/** What is read of a job's facts; a record of another version may lack any of it. */
interface JobLike {
  name?: string;
  podId?: string | null;
  ranOn?: { podId?: string } | null;
  failure?: Failure | null;
}
