import { Agent } from 'node:http';
import got, { type Got } from 'got';
import * as z from 'zod';
import { AutopodError } from '../../errors.ts';
import { parseLenient } from '../lenient-json.ts';

/** NaN is read as null. */
const bytes = z
  .number()
  .nullish()
  .transform((value) => value ?? 0);
const systemStats = z.looseObject({
  system: z.looseObject({
    comfyui_version: z.string().optional(),
    python_version: z.string().optional(),
    pytorch_version: z.string().optional(),
    argv: z.array(z.string()).optional(),
  }),
  devices: z.array(z.looseObject({ name: z.string(), vram_total: bytes, vram_free: bytes })).default([]),
});
const queue = z.looseObject({
  queue_running: z.array(z.unknown()).default([]),
  queue_pending: z.array(z.unknown()).default([]),
});

export type SystemStats = z.infer<typeof systemStats>;

export interface QueueCounts {
  running: number;
  pending: number;
}

/** A ComfyUI on this machine's loopback, as the tunnel shows it. */
export interface ComfyUI {
  systemStats(signal: AbortSignal): Promise<SystemStats>;
  /** Counts only: the items of old versions carry account tokens. */
  queue(signal: AbortSignal): Promise<QueueCounts>;
  extensions(signal: AbortSignal): Promise<string[]>;
}

/** `timeoutMs` limits each question. */
export function comfyUI(localPort: number, timeoutMs = 10_000): ComfyUI {
  const client = clientFor(localPort, timeoutMs);
  return {
    systemStats: (signal) => ask(client, 'system_stats', systemStats, signal),
    queue: async (signal) => {
      const { queue_running, queue_pending } = await ask(client, 'queue', queue, signal);
      return { running: queue_running.length, pending: queue_pending.length };
    },
    extensions: (signal) => ask(client, 'extensions', z.array(z.string()), signal),
  };
}

/** Whether `/system_stats` answers 200 now. An open port or a 503 of the tunnel's own is no answer. */
export async function isAnswering(
  localPort: number,
  signal: AbortSignal,
  timeoutMs?: number,
): Promise<boolean> {
  try {
    await comfyUI(localPort, timeoutMs).systemStats(signal);
    return true;
  } catch (error) {
    if (signal.aborted) throw error;
    return false;
  }
}

function clientFor(localPort: number, timeoutMs: number): Got {
  return got.extend({
    prefixUrl: `http://127.0.0.1:${localPort}`,
    retry: { limit: 0 },
    timeout: { request: timeoutMs },
    headers: { accept: 'application/json' },
    followRedirect: false,
    // One of our own: Node's may be told to use a proxy for this machine's ports, too.
    agent: { http: new Agent() },
  });
}

async function ask<T>(client: Got, path: string, shape: z.ZodType<T>, signal: AbortSignal): Promise<T> {
  try {
    return shape.parse(parseLenient(await client.get(path, { signal }).text()));
  } catch {
    signal.throwIfAborted();
    throw new AutopodError('comfyTimedOut');
  }
}
