import { inQueue } from './standing.ts';
import { type ComfyWay, exchange, odd, type Question, readBody } from './way.ts';

/** Interrupts a prompt if it is the one that runs; no other is touched. Throws `comfyUnanswered`. */
export async function interruptPrompt(way: ComfyWay, promptId: string, signal: AbortSignal): Promise<void> {
  // Early versions interrupt whatever runs, whichever prompt is named.
  if ((await inQueue(way, promptId, signal))?.kind !== 'running') return;
  await tell(way, '/interrupt', { prompt_id: promptId }, 'the request to interrupt', signal);
}

/** Takes a prompt out of the queue; one that runs or is not there stays as it is. Throws `comfyUnanswered`. */
export async function deletePending(way: ComfyWay, promptId: string, signal: AbortSignal): Promise<void> {
  await tell(way, '/queue', { delete: [promptId] }, 'the request to take a job out', signal);
}

async function tell(
  way: ComfyWay,
  path: string,
  body: object,
  operation: string,
  signal: AbortSignal,
): Promise<void> {
  const question: Question = { operation, method: 'POST', path, body: JSON.stringify(body) };
  const answer = await exchange(way, question, signal);
  const text = await readBody(answer, question, signal);
  if (answer.statusCode !== 200) throw odd(answer, question, text);
}
