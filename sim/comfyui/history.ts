import { type ComfyAnswer, TROUBLE } from './answer.ts';
import type { HistoryEntry, JobQueue } from './jobs.ts';

/** `GET /history`: the newest, or so many from an offset. */
export function history(queue: JobQueue, query: URLSearchParams): ComfyAnswer {
  const [count, start] = [whole(query, 'max_items', null), whole(query, 'offset', -1)];
  if (Number.isNaN(count) || Number.isNaN(start)) return TROUBLE;
  const entries: [string, HistoryEntry][] = [...queue.history];
  const from =
    start !== null && start >= 0 ? start : count === null ? 0 : Math.max(0, entries.length - count);
  const listed = entries.slice(from, count === null ? undefined : from + count);
  return { status: 200, json: Object.fromEntries(listed) };
}

function whole(query: URLSearchParams, name: string, otherwise: number | null): number | null {
  const text = query.get(name);
  if (text === null) return otherwise;
  return /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
}
