import type { JobProgress } from '../../machines/job-types.ts';
import type { Context } from '../context.ts';

/** Has the keeper look after a batch from now on. Throws what keeps it from that. */
export async function heedBatch(_context: Context, _batchId: string, _signal: AbortSignal): Promise<void> {
  throw new Error('to come');
}

/** How far the jobs are that the keeper is at work on, by id; undefined where no keeper answers. */
export async function progressOf(
  _context: Context,
  _batchId: string,
  _signal: AbortSignal,
): Promise<Map<string, JobProgress | null> | undefined> {
  throw new Error('to come');
}
