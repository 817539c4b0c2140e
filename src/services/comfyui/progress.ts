import type { JobProgress } from '../../machines/job-types.ts';
import type { ComfyWay } from './way.ts';

export interface Watched {
  promptId: string;
  /** Titles of nodes by id. */
  titles: Record<string, string>;
  /** Nodes of the prompt. */
  nodeCount: number;
}

/**
 * Tells how far a prompt is until it has ended, is unknown to ComfyUI, or the signal aborts; then it resolves. It says
 * nothing of how the prompt ended: ask `findPrompt`. A lost connection is no failure; it is made again.
 */
export async function watchProgress(
  _way: ComfyWay,
  _watched: Watched,
  _onProgress: (progress: JobProgress) => void,
  _signal: AbortSignal,
): Promise<void> {
  throw new Error('to come');
}
