import { AutopodError } from '../../errors.ts';
import { UNBEGUN } from '../../jobs/unbegun.ts';
import type { JobFacts } from '../../machines/job-types.ts';
import { isToRetry } from '../../store/job-record.ts';
import { JobStore } from '../../store/jobs.ts';
import { choosePod } from '../choosing/pod-argument.ts';
import type { Context } from '../context.ts';
import { jobIdsOf } from '../running/job-ref.ts';
import { requireNoPool } from '../running/no-pool.ts';
import { writableOut } from '../running/out-folder.ts';
import { seeThrough } from '../running/see-through.ts';
import { runText } from '../text/run.ts';
import type { Verb } from '../verb.ts';
import { jobOrFile } from './jobs-show.ts';

interface RetryOptions {
  preview: boolean;
  detach?: boolean;
  jsonStream?: boolean;
  out?: string;
  /** Of a fleet. */
  pool?: string;
}

/** Makes a job anew, or those of a batch that failed or were cancelled, with the same values and seeds, as jobs of their own. */
export const jobsRetry: Verb<RetryOptions> = async (context, named, options, pod) => {
  requireNoPool(options);
  const store = new JobStore(context.home());
  const found = await jobOrFile(store, named);
  const out = options.out === undefined ? undefined : await writableOut(options.out);
  const again: JobFacts[] = [];
  const batchId = store.newId();
  const ids = await jobIdsOf(store, found);
  for (const id of ids) {
    const record = await store.get(id);
    if (!record || (ids.length > 1 && !isToRetry(record))) continue;
    const index = again.length;
    again.push({
      ...record.facts,
      ...UNBEGUN,
      ...(out !== undefined && { out }),
      jobId: store.newId(),
      batchId,
      index,
      createdAt: Date.now(),
      kept: [],
    });
  }
  const [only, ...others] = again;
  if (!only) throw new AutopodError('usage', runText.nothingToRetry(named ?? found.batch.batchId));
  if (others.length === 0) only.jobId = batchId;
  const ranOn = found.job?.facts.ranOn?.podId ?? found.job?.facts.podId;
  const podIds = await podsFor(context, pod === undefined ? (ranOn ? [ranOn] : found.batch.podIds) : [pod]);
  const batch = {
    ...found.batch,
    batchId,
    createdAt: Date.now(),
    count: again.length,
    podIds,
    // biome-ignore lint/suspicious/noThenProperty: no value with it is awaited as one that has a method of this name
    then: 'keep' as const,
    rented: [],
  };
  await store.create(batch, again);
  return seeThrough(context, store, batch, options);
};

/** Of the pods, those that are there. Throws what the first is not there for, where none is. */
async function podsFor(context: Context, named: string[]): Promise<string[]> {
  const chosen = await Promise.allSettled(named.map((pod) => choosePod(context, pod, { needsKey: true })));
  const there = chosen.flatMap((one) => (one.status === 'fulfilled' ? [one.value.podId] : []));
  const [first] = chosen;
  if (there.length > 0 || first?.status !== 'rejected') return [...new Set(there)];
  const { reason } = first;
  if (!(reason instanceof AutopodError) || reason.code !== 'podNotFound') throw reason;
  throw new AutopodError('podNotFound', { ...reason.detail, next: runText.retryElsewhere() });
}
