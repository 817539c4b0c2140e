import type { ComfyWay } from './way.ts';

/** `/object_info` as it came: what nodes there are and what they take. Throws `comfyUnanswered`, `comfyAnswerUnexpected`. */
export async function objectInfo(_way: ComfyWay, _signal: AbortSignal): Promise<string> {
  throw new Error('to come');
}
