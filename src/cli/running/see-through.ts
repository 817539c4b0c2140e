import type { BatchFacts } from '../../machines/job-types.ts';
import type { JobStore } from '../../store/jobs.ts';
import type { Context } from '../context.ts';
import { runText } from '../text/run.ts';
import { type FollowOptions, type FromHere, follow, journalFromHere } from './follow.ts';
import { interrupted } from './interrupt.ts';
import { jobJson } from './job-view.ts';
import { heedBatch } from './keeper-batches.ts';
import { saySummary } from './summary.ts';
import { podsEnded } from './then.ts';

/** Has the keeper work on a batch and follows it to its end, or leaves it to the keeper. The answer is the exit code. */
export async function seeThrough(
  context: Context,
  store: JobStore,
  batch: BatchFacts,
  options: FollowOptions & { detach?: boolean },
): Promise<number> {
  const { out, signal } = context;
  const { batchId, count } = batch;
  context.hasBegun = true;
  context.resume = `autopod jobs wait ${batchId}`;
  const from = await journalFromHere(context);
  await heedBatch(context, batchId, signal);
  if (!options.detach) {
    out.say(runText.kept(batchId, count));
    const { exitCode, json } = await followed(context, store, batch, { ...options, from });
    if (options.jsonStream) out.jsonLine(json);
    else if (out.isJson) out.json(json);
    return exitCode;
  }
  out.say(runText.goesOn(batchId));
  if (out.isJson) out.json({ batchId, jobIds: (await store.batchRecord(batchId))?.jobIds ?? [] });
  else out.line(batchId);
  return 0;
}

export interface Seen {
  exitCode: number;
  /** What `--json` shows of it; null without. */
  json: object | null;
}

/** Follows a batch that the keeper works on to its end. Ctrl-C is asked about. */
export async function followed(
  context: Context,
  store: JobStore,
  batch: BatchFacts,
  options: FollowOptions & { from: FromHere },
): Promise<Seen> {
  const { out, signal, deadline } = context;
  const { count } = batch;
  try {
    const tally = await follow(context, store, batch, options, signal);
    context.resume = undefined;
    saySummary(out, tally, count);
    const areEnded = await podsEnded(context, store, batch);
    return {
      exitCode: tally.ended.done === count && tally.partial === 0 && areEnded ? 0 : 1,
      json: out.isJson ? await batchJson(store, batch, tally.json()) : null,
    };
  } catch (error) {
    if (signal.aborted && !deadline.signal.aborted) await interrupted(context, store, batch);
    throw error;
  }
}

/** A batch as `--json` shows it. */
export async function batchJson<Sums extends object>(store: JobStore, batch: BatchFacts, sums: Sums) {
  const { batchId, name, count, podIds, then, onError, maxCost } = batch;
  const jobs = [];
  for await (const record of store.ofBatch(batchId)) jobs.push(jobJson(record));
  return {
    batchId,
    name,
    createdAt: new Date(batch.createdAt).toISOString(),
    count,
    podIds,
    then,
    onError,
    maxCost,
    ...sums,
    jobs,
  };
}
