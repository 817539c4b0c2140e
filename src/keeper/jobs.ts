import { parseLenient } from '../services/lenient-json.ts';
import { getThrough } from './comfy-probe.ts';

/** A queue's items carry whole workflows: more than this is not read to count them. */
const MOST_BYTES = 4 * 1024 * 1024;

/**
 * Jobs running and waiting, asked through a forward; undefined when ComfyUI does not say. `GET /prompt` counts them in a
 * few bytes whatever they are, the running one included; `/queue`, which has them whole, is for a server without it.
 */
export async function jobsThrough(socketPath: string): Promise<number | undefined> {
  return (await countOf(socketPath, '/prompt', remaining)) ?? (await countOf(socketPath, '/queue', queued));
}

async function countOf(
  socketPath: string,
  path: string,
  count: (answer: Record<string, unknown>) => number | undefined,
): Promise<number | undefined> {
  const body = await getThrough(socketPath, path, MOST_BYTES);
  try {
    return body === undefined ? undefined : count(parseLenient(body) as Record<string, unknown>);
  } catch {
    return undefined; // what answered is no ComfyUI
  }
}

function remaining({ exec_info }: Record<string, unknown>): number | undefined {
  const count = (exec_info as { queue_remaining?: unknown } | undefined)?.queue_remaining;
  return typeof count === 'number' ? count : undefined;
}

function queued({ queue_running, queue_pending }: Record<string, unknown>): number | undefined {
  if (!Array.isArray(queue_running) && !Array.isArray(queue_pending)) return undefined;
  return lengthOf(queue_running) + lengthOf(queue_pending);
}

function lengthOf(list: unknown): number {
  return Array.isArray(list) ? list.length : 0;
}
