import { setTimeout as sleep } from 'node:timers/promises';
import { toFailure } from '../errors.ts';
import type { TunnelView } from '../keeper/client.ts';
import type { JournalEntry } from '../store/journal.ts';
import { JournalTail } from '../store/journal-tail.ts';
import type { StoredRecord } from '../store/records.ts';
import { JobRecords, latestJobs } from './job-subjects.ts';
import { withoutSecrets } from './redact.ts';
import { type Advice, type Subject, subjectsOf, type Wording } from './subjects.ts';

/** Where the inspector looks; it changes nothing there. */
export interface WatchOptions {
  /** Path of `journal.jsonl`, or what follows one. */
  journal: string | Pick<JournalTail, 'look' | 'skip'>;
  /** Entries that are there at the first look are not told. */
  isFromNow?: boolean;
  pods: () => Promise<Record<string, StoredRecord<object>>>;
  tunnels: () => Promise<TunnelView[]>;
  /** One job's record. */
  job?: (jobId: string) => Promise<StoredRecord<object> | undefined>;
  /** Throws when the file that says which tunnels are wanted cannot be read: those that stand do not need it. */
  checkTunnelFile: () => Promise<unknown>;
  /** Process that moves a pod now, by its record's id. */
  driverOf: (recordId: string) => Promise<number | undefined>;
  /** Process id of the keeper. */
  keeper: () => Promise<number | undefined>;
  wording: Wording;
  /** Values that must never be shown, such as the API key. */
  secrets: string[];
}

/** One look, without secrets. */
export interface Look {
  /** `entries` replace those told before. */
  isWhole: boolean;
  /** Journal entries not told before, oldest first. */
  entries: JournalEntry[];
  subjects: Subject[];
  /** What could not be read. */
  notices: Advice[];
  /** Process id of the keeper; null when none runs. */
  keeper: number | null;
}

/** What tells its looks to those who listen: all there is first, then what changes. The answer ends it. */
export interface Looks {
  listen(listener: (look: Look) => void): () => void;
}

const EVERY_MS = 250;
/** Entries kept and told; older ones are in `autopod history`. */
const MAX_ENTRIES = 5_000;

type Listener = (look: Look) => void;

/** Looks at the home and its processes as long as somebody listens, and tells what has changed. */
export class Watch implements Looks {
  readonly #options: WatchOptions;
  readonly #tail: Pick<JournalTail, 'look' | 'skip'>;
  readonly #jobs: JobRecords;
  readonly #listeners = new Set<Listener>();
  #entries: JournalEntry[] = [];
  #latest: Look | undefined;
  #told = '';
  #isLooking = false;
  #turn: Promise<void>;
  #tunnels: TunnelView[] = [];

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#jobs = new JobRecords(options.job ?? (async () => undefined));
    const { journal } = options;
    this.#tail = typeof journal === 'string' ? new JournalTail(journal) : journal;
    this.#turn = options.isFromNow ? this.#tail.skip() : Promise.resolve();
  }

  /** Tells the listener all there is, then what changes. The answer ends it. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    if (!this.#isLooking) void this.#lookOnAndOn();
    else if (this.#latest) listener({ ...this.#latest, isWhole: true, entries: this.#entries });
    return () => this.#listeners.delete(listener);
  }

  /** Looks once more. */
  look(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#look()).catch((error) => this.#tellFailure(error));
    return this.#turn;
  }

  async #lookOnAndOn(): Promise<void> {
    this.#isLooking = true;
    // What was seen before a pause is not told: the first look is.
    this.#latest = undefined;
    while (this.#listeners.size > 0) {
      await this.look();
      await sleep(EVERY_MS, undefined, { ref: false });
    }
    this.#isLooking = false;
  }

  async #look(): Promise<void> {
    const { secrets, wording } = this.#options;
    const notices: Advice[] = [];
    const told =
      <T>(otherwise: T) =>
      (error: unknown) => {
        notices.push(wording.failure(toFailure(error)));
        return otherwise;
      };
    this.#tunnels = await this.#options.tunnels().catch(told(this.#tunnels));
    await this.#options.checkTunnelFile().catch(told(undefined));
    const pods = await this.#options.pods().catch(told({}));
    const keeper = (await this.#options.keeper()) ?? null;
    const drivers = await this.#drivers(Object.keys(pods));
    // Last: what is read of it is told at once, to those who listen by now, and each entry once.
    const tail = await this.#tail.look().catch(told({ isWhole: false, entries: [] }));
    const entries = withoutSecrets(
      tail.entries.slice(-MAX_ENTRIES).map((entry) => ({ ...entry, ...wordsFor(entry, wording) })),
      secrets,
    );
    if (tail.isWhole) this.#entries = entries;
    else if (entries.length > 0) this.#entries = [...this.#entries, ...entries].slice(-MAX_ENTRIES);
    const tunnels = this.#tunnels;
    const jobs = await this.#jobs.of(latestJobs(this.#entries));
    const subjects = subjectsOf({ pods, tunnels, jobs, entries: this.#entries, drivers, keeper, wording });
    this.#tell(tail.isWhole, entries, withoutSecrets({ subjects, notices, keeper }, secrets));
  }

  // What was seen last stays.
  #tellFailure(error: unknown): void {
    const notices = [this.#options.wording.failure(toFailure(error))];
    const { subjects, keeper } = this.#latest ?? { subjects: [], keeper: null };
    this.#tell(false, [], { subjects, keeper, notices });
  }

  async #drivers(recordIds: string[]): Promise<Map<string, number>> {
    const drivers = new Map<string, number>();
    for (const id of recordIds) {
      const pid = await this.#options.driverOf(id);
      if (pid !== undefined) drivers.set(id, pid);
    }
    return drivers;
  }

  #tell(isWhole: boolean, entries: JournalEntry[], seen: Omit<Look, 'isWhole' | 'entries'>): void {
    const text = JSON.stringify(seen);
    const isAll = isWhole || !this.#latest;
    if (!isAll && entries.length === 0 && text === this.#told) return;
    this.#told = text;
    this.#latest = { isWhole: isAll, entries: isAll ? this.#entries : entries, ...seen };
    for (const listener of this.#listeners) listener(this.#latest);
  }
}

function wordsFor(entry: JournalEntry, { pastFailure }: Wording): { words?: string } {
  return entry.to === 'failed' && entry.reason ? { words: pastFailure(entry).what } : {};
}
