import type { JobInput } from '../../machines/job-types.ts';
import type { ComfyWay } from './way.ts';

/**
 * Puts a file into ComfyUI's input folder under a name of its content and gives that name, as a prompt has it. What is
 * there already is not sent again. `onBytes` is told how many have been sent.
 *
 * Throws `inputUnreadable`, `inputChanged` (then nothing was stored), `inputTooLarge`, `podDiskFull`, `comfyUnanswered`.
 */
export async function uploadInput(
  _way: ComfyWay,
  _input: Pick<JobInput, 'path' | 'sha256' | 'bytes'>,
  _signal: AbortSignal,
  _onBytes?: (sent: number) => void,
): Promise<string> {
  throw new Error('to come');
}
