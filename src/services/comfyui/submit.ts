import { AutopodError, type Failure } from '../../errors.ts';
import { lenientJson } from '../lenient-json.ts';
import { findingsInWords, refusal } from './refusal.ts';
import { acceptedShape } from './shapes.ts';
import { findPrompt } from './standing.ts';
import { type ComfyWay, exchange, odd, type Question, readBody } from './way.ts';

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
 * ComfyUI runs a prompt twice that comes twice. Throws `promptTooLarge`, and `comfyAnswerUnexpected` when something
 * else than ComfyUI has refused it.
 */
export async function submitPrompt(
  way: ComfyWay,
  { promptId, prompt, workflow }: Submission,
  signal: AbortSignal,
): Promise<Submitted> {
  const extra = workflow === null ? '' : `,"extra_data":{"extra_pnginfo":{"workflow":${workflow}}}`;
  const body = `{"prompt_id":${JSON.stringify(promptId)},"prompt":${prompt}${extra}}`;
  const question: Question = { operation: 'the workflow', method: 'POST', path: '/prompt', body };
  const answer = await exchange(way, question, signal);
  const text = await readBody(answer, question, signal);
  switch (answer.statusCode) {
    case 200:
      return accepted(text, prompt);
    case 400:
      return { kind: 'refused', failure: refusal(lenientJson(text), lenientJson(prompt)) };
    case 413:
      throw new AutopodError('promptTooLarge', { bytes: Buffer.byteLength(body), limit: limitIn(text) });
    case 500:
      return await afterCrash(way, promptId, text, signal);
    default:
      throw odd(answer, question, text);
  }
}

/** The limit that a 413 of ComfyUI names, in bytes. */
export function limitIn(text: string): number | undefined {
  const digits = /body size (\d+)/.exec(text)?.[1];
  return digits ? Number(digits) : undefined;
}

function accepted(text: string, prompt: string): Submitted {
  const { data } = acceptedShape.safeParse(lenientJson(text));
  if (!data) throw new AutopodError('comfyUnanswered', { operation: 'the workflow', status: 200 });
  const { prompt_id, number, node_errors } = data;
  const dropped =
    Object.keys(node_errors).length > 0 ? findingsInWords(node_errors, lenientJson(prompt)) : [];
  return { kind: 'accepted', promptId: prompt_id, number, dropped };
}

/** ComfyUI answers 500 to what it cannot read. It takes prompts last of all, so one that it knows was taken. */
async function afterCrash(
  way: ComfyWay,
  promptId: string,
  text: string,
  signal: AbortSignal,
): Promise<Submitted> {
  const standing = await findPrompt(way, promptId, signal);
  if (standing.kind !== 'unknown') return { kind: 'accepted', promptId, number: 0, dropped: [] };
  const said = text.split('\n', 1)[0]?.slice(0, 200) ?? '';
  return {
    kind: 'refused',
    failure: {
      code: 'promptRefused',
      detail: { message: `it cannot read it (${said || 'HTTP 500'}); its log tells more` },
    },
  };
}
