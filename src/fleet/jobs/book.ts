import { filesHere } from '../../jobs/files/index.ts';
import { hasEnded, type JobRecord, jobState } from '../../store/job-record.ts';
import type { JobStore } from '../../store/jobs.ts';
import type { JobCost } from '../costs/shared-out.ts';
import type { PersonCosts } from '../wire-jobs.ts';
import { type Added, Sums } from './sums.ts';

/** Where a job stands among the others. */
interface Known {
  createdAt: number;
  index: number;
  batchId: string;
  isGoing: boolean;
  isWaiting: boolean;
  owner: string;
  /** Where it ran last. */
  podId: string | null;
  added: Added;
}

/** What somebody's jobs have come to; each of their pods' apart. */
interface Person {
  all: Sums;
  byPod: Map<string, Sums>;
}

/** Jobs that have ended and are known to be the last ones: more than are asked for. */
const LATEST = 50;

/**
 * What lists and sums of jobs need of every one, in memory: read once from the records, and told of each change from then
 * on. A list costs what it shows, and a sum nothing, however many jobs there have been.
 */
export class JobBook {
  readonly #store: JobStore;
  readonly #known = new Map<string, Known>();
  readonly #going = new Set<string>();
  readonly #people = new Map<string, Person>();
  /** Latest last; undefined where they are to be looked for. */
  #latest: string[] | undefined = [];
  #reading: Promise<void> | undefined;

  constructor(store: JobStore) {
    this.#store = store;
  }

  /** Takes in how a job is kept from now on; null for one that is no more. */
  note(jobId: string, record: JobRecord | null): void {
    const before = this.#known.get(jobId);
    if (before) for (const sums of this.#sumsOf(before)) sums.remove(before.added);
    if (record === null) this.#forget(jobId);
    else this.#take(jobId, record, before);
  }

  /** Reads what was there before this process; once. */
  read(): Promise<void> {
    this.#reading ??= this.#readAll().catch((error: unknown) => {
      this.#reading = undefined;
      throw error;
    });
    return this.#reading;
  }

  /** Jobs that have not ended, by age. */
  async going(): Promise<string[]> {
    await this.read();
    return [...this.#going].toSorted((a, b) => this.#order(a, b));
  }

  /** The same with so many of each batch that wait, and how many more do. */
  async goingBriefly(most: number): Promise<{ ids: string[]; unlisted: number }> {
    const waiting = new Map<string, number>();
    const all = await this.going();
    const ids = all.filter((id) => {
      const { isWaiting, batchId } = this.#known.get(id) ?? { isWaiting: false, batchId: '' };
      if (!isWaiting) return true;
      const count = (waiting.get(batchId) ?? 0) + 1;
      waiting.set(batchId, count);
      return count <= most;
    });
    return { ids, unlisted: all.length - ids.length };
  }

  /** The last ones that have ended, by age. */
  async latest(count: number): Promise<string[]> {
    await this.read();
    this.#latest ??= [...this.#known.keys()]
      .filter((id) => !this.#going.has(id))
      .toSorted((a, b) => this.#order(a, b))
      .slice(-LATEST);
    return this.#latest.slice(-count);
  }

  /** What the jobs that ran since then have come to, by person. */
  async counts(since: number): Promise<Pick<PersonCosts, 'name' | 'jobs' | 'done' | 'files' | 'seconds'>[]> {
    await this.read();
    return [...this.#people].flatMap(([name, { all }]) => {
      const { jobs, done, files, seconds } = all.since(since);
      return jobs > 0 ? { name, jobs, done, files, seconds } : [];
    });
  }

  /** What they have cost, with where: what somebody's jobs on a pod come to is one. */
  async costs(since: number): Promise<JobCost[]> {
    await this.read();
    return [...this.#people].flatMap(([owner, { byPod }]) =>
      [...byPod].flatMap(([podId, sums]) => {
        const { jobs, usd } = sums.since(since);
        return jobs > 0 ? { podId, owner, usd } : [];
      }),
    );
  }

  async #readAll(): Promise<void> {
    for await (const record of this.#store.all())
      if (!this.#known.has(record.facts.jobId)) this.note(record.facts.jobId, record);
  }

  #take(jobId: string, record: JobRecord, before: Known | undefined): void {
    const { owner = '', createdAt, index, batchId, endedAt, ranMs, ranOn, usd } = record.facts;
    const podId = ranOn?.podId ?? null;
    const added = {
      at: endedAt ?? createdAt,
      done: jobState(record) === 'done' ? 1 : 0,
      files: filesHere(record.facts).length,
      seconds: (ranMs ?? 0) / 1000,
      usd: usd ?? 0,
    };
    const isGoing = !hasEnded(record);
    const isWaiting = jobState(record) === 'waitingForPod';
    const known = { createdAt, index, batchId, isGoing, isWaiting, owner, podId, added };
    this.#known.set(jobId, known);
    for (const sums of this.#sumsOf(known)) sums.add(added);
    if (isGoing) this.#going.add(jobId);
    else this.#going.delete(jobId);
    if (isGoing && before?.isGoing === false) this.#latest = undefined;
    if (!isGoing && before?.isGoing !== false) this.#isLatest(jobId);
  }

  #forget(jobId: string): void {
    this.#known.delete(jobId);
    this.#going.delete(jobId);
    if (this.#latest?.includes(jobId)) this.#latest = undefined;
  }

  #isLatest(jobId: string): void {
    if (!this.#latest) return;
    const place = this.#latest.findIndex((id) => this.#order(jobId, id) < 0);
    this.#latest.splice(place < 0 ? this.#latest.length : place, 0, jobId);
    if (this.#latest.length > LATEST) this.#latest.shift();
  }

  #sumsOf({ owner, podId }: Pick<Known, 'owner' | 'podId'>): Sums[] {
    const person = this.#people.get(owner) ?? { all: new Sums(), byPod: new Map<string, Sums>() };
    this.#people.set(owner, person);
    if (podId === null) return [person.all];
    const onPod = person.byPod.get(podId) ?? new Sums();
    person.byPod.set(podId, onPod);
    return [person.all, onPod];
  }

  #order(one: string, other: string): number {
    const [a, b] = [this.#known.get(one), this.#known.get(other)];
    return (a?.createdAt ?? 0) - (b?.createdAt ?? 0) || (a?.index ?? 0) - (b?.index ?? 0);
  }
}
