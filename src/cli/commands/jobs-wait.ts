import { JobStore } from '../../store/jobs.ts';
import { journalFromHere } from '../running/follow.ts';
import { meant, unfinished } from '../running/job-ref.ts';
import { heedBatch } from '../running/keeper-batches.ts';
import { followed, type Seen } from '../running/see-through.ts';
import { runText } from '../text/run.ts';
import type { Verb } from '../verb.ts';

/** Follows a job's batch, or every one that goes on, to its end. Exit code 0 when all of its jobs are done. */
export const jobsWait: Verb<{ jsonStream?: boolean; preview: boolean }> = async (context, named, options) => {
  const { out } = context;
  const store = new JobStore(context.home());
  const batches = named === undefined ? await unfinished(store) : [(await meant(store, named)).batch];
  if (batches.length === 0) out.say(runText.nothingToWaitFor());
  const seen: Seen[] = [];
  for (const batch of batches) {
    context.resume = `autopod jobs wait ${batch.batchId}`;
    const from = await journalFromHere(context);
    await heedBatch(context, batch.batchId, context.signal);
    seen.push(await followed(context, store, batch, { ...options, from }));
  }
  const shown = { batches: seen.map(({ json }) => json) };
  if (options.jsonStream) out.jsonLine(shown);
  else if (out.isJson) out.json(shown);
  return Math.max(0, ...seen.map(({ exitCode }) => exitCode));
};
