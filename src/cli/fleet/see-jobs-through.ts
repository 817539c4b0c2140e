import type { BatchFacts } from '../../machines/job-types.ts';
import type { JobRecord } from '../../store/job-record.ts';
import type { Context } from '../context.ts';
import { jobJson } from '../running/job-view.ts';
import { saySummary } from '../running/summary.ts';
import type { Tally } from '../running/tally.ts';
import { fleetText } from '../text/fleet.ts';
import { runText } from '../text/run.ts';
import { type FollowJobsOptions, followJobs } from './follow-jobs.ts';

/** Follows a batch of the fleet's to its end, or leaves it to the fleet. The answer is the exit code. */
export async function seeJobsThrough(
  context: Context,
  batch: BatchFacts,
  options: FollowJobsOptions & { detach?: boolean },
): Promise<number> {
  const { out } = context;
  const { batchId, count, pool = '' } = batch;
  context.hasBegun = true;
  context.resume = `autopod jobs wait ${batchId}`;
  out.say(fleetText.submitted(batchId, count, pool));
  if (options.detach) {
    out.say(runText.goesOn(batchId));
    if (out.isJson) out.json({ batchId, pool });
    else out.line(batchId);
    return 0;
  }
  const { exitCode, json } = await followedJobs(context, batch, options);
  if (options.jsonStream) out.jsonLine(json);
  else if (out.isJson) out.json(json);
  return exitCode;
}

/** Follows a batch to its end: how it went, and what `--json` shows of it. */
export async function followedJobs(
  context: Context,
  batch: BatchFacts,
  options: FollowJobsOptions,
): Promise<{ exitCode: number; json: object }> {
  const { tally, records } = await followJobs(context, batch, options);
  context.resume = undefined;
  saySummary(context.out, tally, batch.count);
  const isWell = tally.ended.done === batch.count && tally.partial === 0;
  return { exitCode: isWell ? 0 : 1, json: batchJson(batch, records, tally) };
}

export function batchJson(batch: BatchFacts, records: JobRecord[], tally: Tally) {
  const { batchId, name, createdAt, count, onError, maxCost, owner, pool, priority } = batch;
  return {
    batchId,
    name,
    createdAt: new Date(createdAt).toISOString(),
    count,
    owner,
    pool,
    priority,
    onError,
    maxCost,
    ...tally.json(),
    jobs: records.map(jobJson),
  };
}
