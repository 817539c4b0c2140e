import { randomUUID } from 'node:crypto';
import got, { HTTPError, type Method, RequestError } from 'got';
import { AutopodError } from '../../errors.ts';
import { askAnyNode } from './nodes.ts';

/** Where one side of Restate's server answers: addresses of HTTP, one of each node, or the path of a Unix socket. */
export type Place = { urls: string[] } | { socket: string };

/** Where calls go in, and where it is managed. Neither asks who one is: whoever reaches them may do all. */
export interface Places {
  ingress: Place;
  admin: Place;
}

export interface Asking {
  method?: Method;
  json?: unknown;
  /** Milliseconds; a call of a key that is blocked would wait for ever. */
  timeoutMs?: number;
  signal?: AbortSignal | undefined;
}

const CALL_MS = 20_000;
const CONNECT_MS = 5_000;

/**
 * One request to Restate; of several nodes to one that is there. All that is asked of it may be asked twice: a key begins
 * once, and a machine takes an event where it is. Throws `engineUnreachable`.
 */
export async function askRestate<T>(place: Place, path: string, asking: Asking = {}): Promise<T> {
  try {
    if ('socket' in place) return await askOnce<T>(`http://unix:${place.socket}:`, path, asking);
    return await askAnyNode(place.urls, asking.signal, askingOnce(place.urls.length, path, asking));
  } catch (error) {
    asking.signal?.throwIfAborted();
    throw new AutopodError('engineUnreachable', { detail: reasonOf(error) });
  }
}

/** One call, however many nodes are asked for it: they know it by its key. */
function askingOnce<T>(nodes: number, path: string, asking: Asking) {
  const headers = nodes > 1 ? { 'idempotency-key': randomUUID() } : {};
  return (url: string, signal: AbortSignal) =>
    askOnce<T>(url.replace(/\/$/, ''), path, { ...asking, signal }, headers);
}

function askOnce<T>(address: string, path: string, asking: Asking, headers = {}): Promise<T> {
  const { method = 'POST', json, timeoutMs = CALL_MS, signal } = asking;
  return got(`${address}/${path}`, {
    method,
    ...(json !== undefined && { json }),
    ...(signal && { signal }),
    headers: { accept: 'application/json', ...headers },
    enableUnixSockets: true,
    retry: { limit: 0 },
    timeout: { request: timeoutMs, connect: CONNECT_MS },
  }).json<T>();
}

function reasonOf(error: unknown): string {
  if (error instanceof HTTPError) {
    const { statusCode, body } = error.response as { statusCode: number; body: unknown };
    return `${statusCode} ${String(body).slice(0, 300)}`;
  }
  return error instanceof RequestError ? error.code : (error as Error).message;
}

/** What goes into a key of a virtual object. It is answered once the key's handler has ended. */
export function callObject<T>(
  { ingress }: Pick<Places, 'ingress'>,
  { object, key, handler }: { object: string; key: string; handler: string },
  json: unknown,
  asking: Omit<Asking, 'json' | 'method'> = {},
): Promise<T> {
  return askRestate<T>(ingress, `${object}/${encodeURIComponent(key)}/${handler}`, { ...asking, json });
}

/** The same for what nobody waits for: answered once the engine has it, however much the key has to do before. */
export async function tellObject(
  { ingress }: Pick<Places, 'ingress'>,
  { object, key, handler }: { object: string; key: string; handler: string },
  json: unknown,
): Promise<void> {
  await askRestate(ingress, `${object}/${encodeURIComponent(key)}/${handler}/send`, { json });
}
