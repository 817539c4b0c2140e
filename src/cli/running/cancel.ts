import { setTimeout as sleep } from 'node:timers/promises';
import { hasEnded, type JobRecord } from '../../store/job-record.ts';
import type { JobStore } from '../../store/jobs.ts';
import type { Context } from '../context.ts';
import { heedBatch } from './keeper-batches.ts';

const LOOK_MS = 150;

/** Has jobs taken back, and waits until they have ended. Gives them as they ended. */
export async function cancelJobs(
  context: Context,
  store: JobStore,
  batchId: string,
  jobIds: string[],
  signal: AbortSignal,
): Promise<JobRecord[]> {
  // The last ones first: what has not begun is not begun meanwhile.
  for (const id of jobIds.toReversed()) await store.ask(id, 'cancel');
  await heedBatch(context, batchId, signal);
  const ended: JobRecord[] = [];
  for (const id of jobIds) {
    for (;;) {
      const record = await store.get(id);
      if (!record) break;
      if (hasEnded(record)) {
        ended.push(record);
        break;
      }
      await sleep(LOOK_MS, undefined, { signal });
    }
  }
  return ended;
}
