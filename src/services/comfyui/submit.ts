import type { Failure } from '../../errors.ts';
import type { ComfyWay } from './way.ts';

export interface Submission {
  /** A lower-case UUID that the caller has made and saved. */
  promptId: string;
  /** The prompt in API format as JSON text, which is sent digit by digit: seeds exceed 2^53. */
  prompt: string;
  /** The editor's workflow as JSON text, which ComfyUI writes into what it makes; null where there is none. */
  workflow: string | null;
}

export type Submitted =
  | {
      kind: 'accepted';
      promptId: string;
      number: number;
      /** What will not be made though the rest will: outputs that ComfyUI found invalid, as it says it. */
      dropped: string[];
    }
  | { kind: 'refused'; failure: Failure };

/**
 * Hands a prompt to ComfyUI, once. No client id goes with it: ComfyUI then tells its progress to every socket, and
 * with one only to the socket that had this id at the time, which may be gone.
 *
 * Throws `comfyUnanswered` when it may or may not have been taken: look with `findPrompt` before it is sent again, as
 * ComfyUI runs a prompt twice that comes twice. Throws `promptTooLarge`.
 */
export async function submitPrompt(
  _way: ComfyWay,
  _submission: Submission,
  _signal: AbortSignal,
): Promise<Submitted> {
  throw new Error('to come');
}
