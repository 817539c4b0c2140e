import type { IncomingMessage } from 'node:http';
import * as z from 'zod';
import { AutopodError, type Failure } from '../../errors.ts';
import type { JobOutput } from '../../machines/job-types.ts';
import { lenientJson } from '../lenient-json.ts';
import { filesIn } from './outputs.ts';
import { runFailure } from './run-failure.ts';
import { type HistoryEntry, historyEntryShape, jobShape, queueShape } from './shapes.ts';
import { askJson, type ComfyWay, exchange, odd, type Question, readBody } from './way.ts';

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
 * Where a prompt is. It moves from the queue to the history in one step, so asking in this order leaves no gap; the
 * queue once more finds one that was taken meanwhile, and `/api/jobs` one that an extension keeps elsewhere.
 *
 * Throws `comfyUnanswered`, `comfyAnswerUnexpected`.
 */
export async function findPrompt(way: ComfyWay, promptId: string, signal: AbortSignal): Promise<Standing> {
  return (
    (await inQueue(way, promptId, signal)) ??
    (await inHistory(way, promptId, signal)) ??
    (await inQueue(way, promptId, signal)) ??
    (await inJobs(way, promptId, signal)) ?? { kind: 'unknown' }
  );
}

/** The prompt's place, or that it runs; undefined when it is not in the queue. */
export async function inQueue(
  way: ComfyWay,
  promptId: string,
  signal: AbortSignal,
): Promise<Extract<Standing, { kind: 'pending' | 'running' }> | undefined> {
  const question: Question = { operation: 'a question for its queue', path: '/queue' };
  const { json, answer } = await askJson(way, question, signal);
  const { queue_running, queue_pending } = shaped(queueShape, json, answer, question);
  if (queue_running.some(([, id]) => id === promptId)) return { kind: 'running' };
  const ours = queue_pending.find(([, id]) => id === promptId);
  if (!ours) return undefined;
  // The pending ones lie in a heap: only their numbers tell the order.
  const before = queue_pending.filter(([number]) => (number ?? 0) < (ours[0] ?? 0)).length;
  return { kind: 'pending', place: queue_running.length + before };
}

async function inHistory(
  way: ComfyWay,
  promptId: string,
  signal: AbortSignal,
): Promise<Standing | undefined> {
  const question: Question = {
    operation: 'a question for its history',
    path: `/history/${encodeURIComponent(promptId)}`,
  };
  const { json, answer } = await askJson(way, question, signal);
  const entries = shaped(z.record(z.string(), z.unknown()), json, answer, question);
  if (entries[promptId] === undefined) return undefined;
  const entry = shaped(historyEntryShape, entries[promptId], answer, question);
  return ended(entry.status, entry.outputs, entry.prompt[2], clockOffset(answer));
}

/** Only later versions have it; others say 404 to all of it. */
async function inJobs(way: ComfyWay, promptId: string, signal: AbortSignal): Promise<Standing | undefined> {
  const question: Question = {
    operation: 'a question for its jobs',
    path: `/api/jobs/${encodeURIComponent(promptId)}`,
  };
  const answer = await exchange(way, question, signal);
  const text = await readBody(answer, question, signal);
  if (answer.statusCode === 404 || answer.statusCode === 405) return undefined;
  if (answer.statusCode !== 200) throw odd(answer, question, text);
  const job = jobShape.safeParse(lenientJson(text)).data;
  // An old server with another page at this address has no jobs.
  if (job?.id !== promptId) return undefined;
  if (job.status === 'pending') return { kind: 'pending', place: 0 };
  if (job.status === 'in_progress') return { kind: 'running' };
  return ended(job.execution_status, job.outputs, job.workflow?.prompt, clockOffset(answer));
}

function ended(
  status: HistoryEntry['status'],
  nodes: HistoryEntry['outputs'],
  prompt: unknown,
  offsetMs: number,
): Standing {
  const outputs = filesIn(nodes);
  const messages = status?.messages ?? [];
  const times = ranBy(messages, offsetMs);
  if (messages.some(([name]) => name === 'execution_interrupted')) {
    return { kind: 'interrupted', outputs, ...times };
  }
  const error = messages.find(([name]) => name === 'execution_error');
  if (error || status?.status_str === 'error') {
    return { kind: 'failed', failure: runFailure(error?.[1], prompt), outputs, ...times };
  }
  return { kind: 'done', outputs, ...times };
}

const ENDINGS = ['execution_success', 'execution_error', 'execution_interrupted'];

function ranBy(messages: NonNullable<HistoryEntry['status']>['messages'], offsetMs: number): Ran {
  const at = (...names: string[]) => {
    const time = messages.find(([name]) => names.includes(name))?.[1].timestamp;
    return typeof time === 'number' && Number.isFinite(time) ? time : null;
  };
  const start = at('execution_start');
  const end = at(...ENDINGS);
  return {
    ranMs: start === null || end === null ? null : Math.max(0, end - start),
    startedAt: start === null ? null : start + offsetMs,
    endedAt: end === null ? null : end + offsetMs,
  };
}

/** Milliseconds that this machine's clock is ahead of the pod's; 0 while they agree as far as seconds tell. */
function clockOffset({ headers }: IncomingMessage): number {
  const theirs = Date.parse(headers.date ?? '');
  const offset = Date.now() - theirs;
  return Number.isNaN(offset) || Math.abs(offset) < 3_000 ? 0 : offset;
}

function shaped<T>(shape: z.ZodType<T>, json: unknown, answer: IncomingMessage, question: Question): T {
  const read = shape.safeParse(json);
  if (read.success) return read.data;
  throw new AutopodError('comfyAnswerUnexpected', {
    operation: question.operation,
    status: answer.statusCode,
    detail: `Its answer has another shape at ${read.error.issues[0]?.path.join('.') || 'its top'}.`,
  });
}
