import type { BatchAtWork } from '../../keeper/client.ts';
import type { Context } from '../context.ts';

/** Has the keeper look after a batch from now on, and at what was asked of its jobs. Throws `keeperUnreachable`. */
export async function heedBatch(context: Context, batchId: string, signal: AbortSignal): Promise<void> {
  const { apiUrl, apiKey } = await context.config();
  await (await context.keeper()).heedBatch(batchId, { apiUrl, apiKey }, signal);
}

/** How a batch at work stands; undefined where nobody looks after it, or no keeper answers. */
export async function batchAtWork(
  context: Context,
  batchId: string,
  signal: AbortSignal,
): Promise<BatchAtWork | undefined> {
  const keeper = await context.keeper();
  const view = await keeper.batchView(batchId, signal).catch(() => undefined);
  signal.throwIfAborted();
  return view ?? undefined;
}
