import { ask, type ComfyWay, odd, type Question } from './way.ts';

/** `/object_info` as it came: what nodes there are and what they take. Throws `comfyUnanswered`, `comfyAnswerUnexpected`. */
export async function objectInfo(way: ComfyWay, signal: AbortSignal): Promise<string> {
  const question: Question = {
    operation: 'a question for its nodes',
    path: '/object_info',
    // With hundreds of custom nodes it takes its time.
    silenceMs: 120_000,
  };
  const { text, answer } = await ask(way, question, signal);
  if (!text.trimStart().startsWith('{')) throw odd(answer, question, text);
  return text;
}
