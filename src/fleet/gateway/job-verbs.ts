import { basename } from 'node:path';
import { AutopodError, toFailure } from '../../errors.ts';
import { filesHere } from '../../jobs/files/index.ts';
import type { BatchFacts, JobFacts, JobOutput } from '../../machines/job-types.ts';
import { type BatchRecord, hasEnded, isToRetry, type JobRecord, jobState } from '../../store/job-record.ts';
import { callObject, type Places, tellObject } from '../engine/ask.ts';
import type { JobBook } from '../jobs/book.ts';
import type { FleetJobs } from '../jobs/jobs.ts';
import { type Elsewhere, fileAnswer } from '../jobs/serve-file.ts';
import type { Submissions } from '../jobs/submissions.ts';
import { mayDo, type Person } from '../people/people.ts';
import { POOL_OBJECT } from '../pools/names.ts';
import type { CancelRequest } from '../pools/pool-object.ts';
import type { Pools } from '../pools/pools.ts';
import type { SubmittedBatch } from '../pools/turns.ts';
import type { FleetBatch, FleetJob, JobList, RetryRequest, SubmitRequest } from '../wire-jobs.ts';
import type { Bytes } from './bytes.ts';

export interface JobVerbsContext {
  places: Places;
  jobs: FleetJobs;
  book: JobBook;
  pools: Pools;
  submissions: Submissions;
  elsewhere: Elsewhere;
}

/** Ended jobs that are listed besides those that go on, and jobs of a batch that are told at once. */
const MOST_ENDED = 20;
/** Jobs of each batch that are listed while they wait. */
const MOST_WAITING = 20;
const MOST_TOLD = 200;
const MOST_NAMED = 20;

/** What members do with jobs. Who may do it is decided before; whose a job is, here. */
export class JobVerbs {
  readonly #context: JobVerbsContext;

  constructor(context: JobVerbsContext) {
    this.#context = context;
  }

  /** Takes a batch in. Answered again with the same one where it is asked again. */
  async submit(person: Person, { pool: named, ...request }: SubmitRequest): Promise<FleetBatch> {
    const { submissions, pools } = this.#context;
    const pool = await pools.get(named);
    if (!pool) throw new AutopodError('poolNotFound', { pool: named });
    const batch = await submissions.accept({ ...request, pool: named, owner: person.name });
    await this.enqueue(batch);
    return this.batch(batch.batchId);
  }

  /** Has a batch's pool know of it; one that it knows, or that is over, changes nothing. */
  async enqueue({ pool = '', owner = '', priority = 0, ...batch }: BatchFacts): Promise<void> {
    const { batchId, count, onError, maxCost } = batch;
    const submitted: SubmittedBatch = { batchId, count, onError, maxCost, owner, priority };
    await tellObject(this.#context.places, { object: POOL_OBJECT, key: pool, handler: 'submit' }, submitted);
  }

  /** Jobs that go on, some of each batch that wait, and the last ones that have ended; or every one. */
  async list(isAll: boolean): Promise<JobList> {
    const {
      book,
      jobs: { store },
    } = this.#context;
    const records: JobRecord[] = [];
    const { ids, unlisted } = await book.goingBriefly(MOST_WAITING);
    if (isAll) for await (const record of store.all()) records.push(record);
    else {
      for (const id of [...(await book.latest(MOST_ENDED)), ...ids]) {
        const record = await store.get(id).catch(() => undefined);
        if (record) records.push(record);
      }
    }
    const jobs = records.toSorted(inOrder).map((record) => this.#described(record));
    return { jobs, unlisted: isAll ? 0 : unlisted };
  }

  /** By the id of a job or a batch, the beginning of one, or a name. Throws `jobNotFound` and `jobNotChosen`. */
  async meant(named: string): Promise<{ batch: BatchFacts; jobId: string | null }> {
    const { store } = this.#context.jobs;
    const byId = async (id: string) => {
      const job = await store.get(id);
      const batch = await store.batch(job?.facts.batchId ?? id);
      return batch && { batch, jobId: job ? id : null };
    };
    const isId = /^[a-z0-9]+$/.test(named);
    const exact = isId ? await byId(named) : undefined;
    if (exact) return exact;
    const ids = new Set(
      [...(await store.batchIds()), ...(await store.jobIds())].filter((id) => isId && id.startsWith(named)),
    );
    for (const { batchId, name } of await store.batches()) if (name === named) ids.add(batchId);
    if (ids.size === 0) for (const id of await this.#byWhatItIs(named)) ids.add(id);
    const [only, ...others] = ids;
    if (others.length > 0) throw new AutopodError('jobNotChosen', { jobs: [...ids].slice(0, MOST_NAMED) });
    const found = only === undefined ? undefined : await byId(only);
    if (!found) throw new AutopodError('jobNotFound', { job: named });
    return found;
  }

  /** Jobs of that name; of the digest of a file, the last job that made it. */
  async #byWhatItIs(named: string): Promise<string[]> {
    const isDigest = /^[0-9a-f]{64}$/.test(named);
    const ids: string[] = [];
    let made: JobFacts | undefined;
    for await (const { facts } of this.#context.jobs.store.all()) {
      if (facts.name === named) ids.push(facts.jobId);
      const hasMade = isDigest && filesHere(facts).some(({ sha256 }) => sha256 === named);
      if (hasMade && facts.createdAt >= (made?.createdAt ?? 0)) made = facts;
    }
    return made && ids.length === 0 ? [made.jobId] : ids;
  }

  async batch(batchId: string): Promise<FleetBatch> {
    const { facts, isFinished } = await this.#batchRecord(batchId);
    return { batch: facts, isFinished };
  }

  /** Jobs of a batch from a position on, as many as are told at once. */
  async ofBatch(batchId: string, from: number): Promise<FleetJob[]> {
    const { store } = this.#context.jobs;
    const { jobIds } = await this.#batchRecord(batchId);
    const told: FleetJob[] = [];
    for (const jobId of jobIds.slice(from, from + MOST_TOLD)) {
      const record = await store.get(jobId);
      if (record) told.push(this.#described(record));
    }
    return told;
  }

  async job(named: string): Promise<{ batch: BatchFacts; job: FleetJob | null }> {
    const { batch, jobId } = await this.meant(named);
    const record = jobId === null ? undefined : await this.#context.jobs.store.get(jobId);
    return { batch, job: record ? this.#described(record) : null };
  }

  /** Asks for jobs to be taken back; they end soon. */
  async cancel(person: Person, named: string): Promise<{ batchId: string; jobIds: string[] }> {
    const { store } = this.#context.jobs;
    const { batch, jobId } = await this.meant(named);
    requireOwn(person, named, batch);
    const { batchId, pool = '' } = batch;
    const jobIds: string[] = [];
    if (jobId !== null) jobIds.push(jobId);
    else {
      for await (const record of store.ofBatch(batchId))
        if (!hasEnded(record)) jobIds.push(record.facts.jobId);
    }
    const request: CancelRequest = { batchId, jobIds: jobId === null ? null : jobIds, who: person.name };
    await this.#call(pool, 'cancel', request);
    return { batchId, jobIds };
  }

  /** Has a job made once more, or all of a batch that ended and are not done, as a batch of whoever asks. */
  async retry(person: Person, named: string, { submission, pool: other }: RetryRequest): Promise<FleetBatch> {
    const {
      jobs: { store },
      submissions,
      pools,
    } = this.#context;
    const { batch: of, jobId } = await this.meant(named);
    requireOwn(person, named, of);
    const pool = other ?? of.pool ?? '';
    if (!(await pools.get(pool))) throw new AutopodError('poolNotFound', { pool });
    const jobs: JobFacts[] = [];
    for (const id of jobId === null ? (await this.#batchRecord(of.batchId)).jobIds : [jobId]) {
      const record = await store.get(id);
      if (record && (jobId !== null || isToRetry(record))) jobs.push(record.facts);
    }
    if (jobs.length === 0)
      throw new AutopodError('usage', { message: `Nothing of ${named} is to be made again.` });
    const asked = { submission, pool, priority: of.priority ?? 0, owner: person.name };
    const batch = await submissions.again({ ...asked, of, jobs });
    await this.enqueue(batch);
    return this.batch(batch.batchId);
  }

  /** The nth file that a job has made. Throws `jobNotFound`, `filesCleaned`, and what `fileAnswer` throws. */
  async file(jobId: string, n: number, range: string | undefined, signal: AbortSignal): Promise<Bytes> {
    const file = await this.#nthFile(jobId, n);
    return fileAnswer(file, range, this.#context.elsewhere, signal).catch(async (error: unknown) => {
      // It may have gone to its bucket just now.
      const now = toFailure(error).code === 'outputGone' ? await this.#nthFile(jobId, n) : file;
      if (!now.stored || file.stored) throw error;
      return fileAnswer(now, range, this.#context.elsewhere, signal);
    });
  }

  async #nthFile(jobId: string, n: number): Promise<JobOutput> {
    const record = await this.#context.jobs.store.get(jobId);
    if (!record) throw new AutopodError('jobNotFound', { job: jobId });
    const { cleanedAt } = record.facts;
    if (cleanedAt !== undefined) {
      throw new AutopodError('filesCleaned', { job: jobId, at: new Date(cleanedAt).toISOString() });
    }
    const file = filesHere(record.facts)[n];
    if (!file) throw new AutopodError('outputGone', { filename: `${jobId}, number ${n + 1}` });
    return file;
  }

  async #batchRecord(batchId: string): Promise<BatchRecord> {
    const record = /^[a-z0-9]+$/.test(batchId)
      ? await this.#context.jobs.store.batchRecord(batchId)
      : undefined;
    if (!record) throw new AutopodError('jobNotFound', { job: batchId });
    return record;
  }

  #described(record: JobRecord): FleetJob {
    const { facts } = record;
    const files = filesHere(facts).map(({ path }) => path);
    const told = ({ stored: _, ...output }: JobOutput): JobOutput => ({
      ...output,
      path:
        output.path === null || facts.cleanedAt !== undefined
          ? null
          : `v1/files/${facts.jobId}/${files.indexOf(output.path)}`,
    });
    return {
      // Where things lie on the server is nobody's business.
      facts: {
        ...facts,
        out: '',
        inputs: facts.inputs.map((input) => ({ ...input, path: basename(input.path) })),
        outputs: facts.outputs?.map(told) ?? null,
        kept: (facts.kept ?? []).map(told),
      },
      state: jobState(record),
      progress: this.#context.jobs.progress.get(facts.jobId) ?? null,
    };
  }

  #call(pool: string, handler: string, json: unknown): Promise<unknown> {
    return callObject(this.#context.places, { object: POOL_OBJECT, key: pool, handler }, json);
  }
}

/** It costs its owner's money, and takes their place in the queue. */
function requireOwn({ name, role }: Person, job: string, { owner }: BatchFacts): void {
  if (owner === name || mayDo(role, 'admin')) return;
  throw new AutopodError('notAllowed', { job, owner, role, needed: 'admin' });
}

function inOrder(a: JobRecord, b: JobRecord): number {
  return a.facts.createdAt - b.facts.createdAt || a.facts.index - b.facts.index;
}
