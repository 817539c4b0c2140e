import { hasEnded, type JobRecord, jobState } from '../../store/job-record.ts';
import { JobStore } from '../../store/jobs.ts';
import { cancelJobs } from '../running/cancel.ts';
import { jobIdsOf, meant, theUnfinished } from '../running/job-ref.ts';
import { jobJson } from '../running/job-view.ts';
import { runText } from '../text/run.ts';
import type { Verb } from '../verb.ts';

/** Takes back a job, or all of a batch that have not ended: out of the queue, or interrupted if it is ours that runs. */
export const jobsCancel: Verb<object> = async (context, named) => {
  const { out, signal } = context;
  const store = new JobStore(context.home());
  const found = named === undefined ? await theUnfinished(store) : await meant(store, named);
  const going: string[] = [];
  for (const id of await jobIdsOf(store, found)) {
    const record = await store.get(id);
    if (record && !hasEnded(record)) going.push(id);
  }
  const ended = await cancelJobs(context, store, found.batch.batchId, going, signal);
  const cancelled = ended.filter((record: JobRecord) => jobState(record) === 'cancelled');
  if (out.isJson) out.json({ jobs: ended.map(jobJson) });
  else if (going.length === 0) out.say(runText.endedAlready(named ?? found.batch.batchId));
  else out.line(runText.cancelled(cancelled.length, going.length));
  return cancelled.length === going.length ? 0 : 1;
};
