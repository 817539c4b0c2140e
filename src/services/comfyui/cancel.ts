import type { ComfyWay } from './way.ts';

/** Interrupts a prompt if it is the one that runs; no other is touched. Throws `comfyUnanswered`. */
export async function interruptPrompt(
  _way: ComfyWay,
  _promptId: string,
  _signal: AbortSignal,
): Promise<void> {
  throw new Error('to come');
}

/** Takes a prompt out of the queue; one that runs or is not there stays as it is. Throws `comfyUnanswered`. */
export async function deletePending(_way: ComfyWay, _promptId: string, _signal: AbortSignal): Promise<void> {
  throw new Error('to come');
}
