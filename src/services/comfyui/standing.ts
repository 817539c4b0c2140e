import type { Failure } from '../../errors.ts';
import type { JobOutput } from '../../machines/job-types.ts';
import type { ComfyWay } from './way.ts';

/** Times ComfyUI tells; epoch milliseconds brought to this machine's clock. Null where its version tells none. */
interface Ran {
  ranMs: number | null;
  startedAt: number | null;
  endedAt: number | null;
}

/** What has become of a prompt. Outputs are all it made, previews included, each once; none is on this machine yet. */
export type Standing =
  /** Never taken, taken out of the queue, or forgotten by a restart. */
  | { kind: 'unknown' }
  /** `place` is the number of prompts before it, from 0, the running one counted. */
  | { kind: 'pending'; place: number }
  | { kind: 'running' }
  | ({ kind: 'done'; outputs: JobOutput[] } & Ran)
  /** `promptFailed`, `gpuOutOfMemory` or `podDiskFull`. */
  | ({ kind: 'failed'; failure: Failure; outputs: JobOutput[] } & Ran)
  | ({ kind: 'interrupted'; outputs: JobOutput[] } & Ran);

/**
 * Where a prompt is. Asked in an order that leaves no gap for one that moves on meanwhile. Throws `comfyUnanswered`,
 * `comfyAnswerUnexpected`.
 */
export async function findPrompt(_way: ComfyWay, _promptId: string, _signal: AbortSignal): Promise<Standing> {
  throw new Error('to come');
}
