import { AutopodError } from '../../errors.ts';
import type { BatchFacts } from '../../machines/job-types.ts';
import type { JobRecord } from '../../store/job-record.ts';
import type { JobStore } from '../../store/jobs.ts';

/** What a user means: one job, or a batch with all of its jobs. */
export interface Meant {
  batch: BatchFacts;
  /** Undefined where the whole batch is meant. */
  job: JobRecord | undefined;
}

/** The ids of its jobs, or of the one job. */
export async function jobIdsOf(store: JobStore, { batch, job }: Meant): Promise<string[]> {
  if (job) return [job.facts.jobId];
  return (await store.batchRecord(batch.batchId))?.jobIds ?? [];
}

/**
 * The job or batch that is named by its id, the beginning of one, or its name. Of a batch with one job, that job.
 * Throws `jobNotFound`, and `jobNotChosen` where several could be meant.
 */
export async function meant(store: JobStore, named: string): Promise<Meant> {
  const exact = await byId(store, named);
  if (exact) return exact;
  const ids = new Set((await store.batchIds()).filter((id) => id.startsWith(named)));
  for (const id of await store.jobIds()) if (id.startsWith(named)) ids.add(id);
  for (const { batchId } of await batchesNamed(store, named)) ids.add(batchId);
  if (ids.size === 0)
    for await (const { facts } of store.all()) if (facts.name === named) ids.add(facts.jobId);
  const [only, ...others] = ids;
  if (only === undefined) throw new AutopodError('jobNotFound', { job: named });
  if (others.length > 0) throw new AutopodError('jobNotChosen', { jobs: [...ids].slice(0, MOST_NAMED) });
  const found = await byId(store, only);
  if (!found) throw new AutopodError('jobNotFound', { job: named });
  return found;
}

const MOST_NAMED = 20;

/** The only batch that has not ended. Throws as `meant` does. */
export async function theUnfinished(store: JobStore): Promise<Meant> {
  const batches = await unfinished(store);
  const [only, ...others] = batches;
  if (!only) throw new AutopodError('jobNotFound', { reason: 'Every job has ended.' });
  if (others.length > 0)
    throw new AutopodError('jobNotChosen', { jobs: batches.map(({ batchId }) => batchId) });
  return (await byId(store, only.batchId)) ?? { batch: only, job: undefined };
}

/** Batches of which some job has not ended, the earliest first. */
export async function unfinished(store: JobStore): Promise<BatchFacts[]> {
  const records = await Promise.all(
    (await store.batchIds()).map((id) => store.batchRecord(id).catch(() => undefined)),
  );
  return records
    .flatMap((record) => (record && !record.isFinished ? [record.facts] : []))
    .toSorted((a, b) => a.createdAt - b.createdAt);
}

async function byId(store: JobStore, id: string): Promise<Meant | undefined> {
  if (!/^[a-z0-9]+$/.test(id)) return undefined;
  const job = await store.get(id);
  if (job) {
    const batch = await store.batch(job.facts.batchId);
    return batch && { batch, job };
  }
  const batch = await store.batch(id);
  return batch && { batch, job: undefined };
}

async function batchesNamed(store: JobStore, name: string): Promise<BatchFacts[]> {
  return (await store.batches()).filter((batch) => batch.name === name);
}
