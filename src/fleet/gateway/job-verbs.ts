import { basename } from 'node:path';
import { AutopodError } from '../../errors.ts';
import { filesHere } from '../../jobs/files/index.ts';
import type { BatchFacts, JobOutput } from '../../machines/job-types.ts';
import { type BatchRecord, hasEnded, type JobRecord, jobState } from '../../store/jobs.ts';
import { callObject, type Places, tellObject } from '../engine/ask.ts';
import type { JobBook } from '../jobs/book.ts';
import type { FleetJobs } from '../jobs/jobs.ts';
import { fileAnswer } from '../jobs/serve-file.ts';
import type { Submissions } from '../jobs/submissions.ts';
import { mayDo, type Person } from '../people/people.ts';
import { POOL_OBJECT } from '../pools/names.ts';
import type { CancelRequest } from '../pools/pool-object.ts';
import type { Pools } from '../pools/pools.ts';
import type { SubmittedBatch } from '../pools/turns.ts';
import type { FleetBatch, FleetJob, JobList, PersonCosts, SubmitRequest } from '../wire-jobs.ts';
import type { Bytes } from './bytes.ts';

export interface JobVerbsContext {
  places: Places;
  jobs: FleetJobs;
  book: JobBook;
  pools: Pools;
  submissions: Submissions;
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
    const [only, ...others] = ids;
    if (others.length > 0) throw new AutopodError('jobNotChosen', { jobs: [...ids].slice(0, MOST_NAMED) });
    const found = only === undefined ? undefined : await byId(only);
    if (!found) throw new AutopodError('jobNotFound', { job: named });
    return found;
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
    const { batchId, owner, pool = '' } = batch;
    if (owner !== person.name && !mayDo(person.role, 'admin')) {
      throw new AutopodError('notAllowed', { job: named, owner, role: person.role, needed: 'admin' });
    }
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

  /** The nth file that a job has made. */
  async file(jobId: string, n: number, range: string | undefined): Promise<Bytes> {
    const record = await this.#context.jobs.store.get(jobId);
    if (!record) throw new AutopodError('jobNotFound', { job: jobId });
    const file = filesHere(record.facts)[n];
    if (!file) throw new AutopodError('outputGone', { filename: `${jobId}, number ${n + 1}` });
    return fileAnswer(file, range);
  }

  /** What the jobs that ran since then have cost, by person, most first. */
  async costs(since: number): Promise<PersonCosts[]> {
    return this.#context.book.costs(since);
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
    const told = (output: JobOutput): JobOutput => ({
      ...output,
      path: output.path === null ? null : `v1/files/${facts.jobId}/${files.indexOf(output.path)}`,
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

function inOrder(a: JobRecord, b: JobRecord): number {
  return a.facts.createdAt - b.facts.createdAt || a.facts.index - b.facts.index;
}
