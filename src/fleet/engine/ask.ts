import got, { HTTPError, type Method, RequestError } from 'got';
import { AutopodError } from '../../errors.ts';

/** Where one side of Restate's server answers: an address of HTTP, or the path of a Unix socket. */
export type Place = { url: string } | { socket: string };

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

/** One request to Restate. Throws `engineUnreachable`. */
export async function askRestate<T>(place: Place, path: string, asking: Asking = {}): Promise<T> {
  const { method = 'POST', json, timeoutMs = CALL_MS, signal } = asking;
  const address = 'url' in place ? place.url.replace(/\/$/, '') : `http://unix:${place.socket}:`;
  try {
    return await got(`${address}/${path}`, {
      method,
      ...(json !== undefined && { json }),
      ...(signal && { signal }),
      headers: { accept: 'application/json' },
      enableUnixSockets: true,
      retry: { limit: 0 },
      timeout: { request: timeoutMs },
    }).json<T>();
  } catch (error) {
    signal?.throwIfAborted();
    throw new AutopodError('engineUnreachable', { detail: reasonOf(error) });
  }
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
