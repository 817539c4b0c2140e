import type { IncomingMessage } from 'node:http';

/** The URL of a request by its path alone; a request line without a path stands for the root. */
export function requestUrl({ url = '/' }: IncomingMessage): URL {
  return new URL(`http://sim${url.startsWith('/') ? url : '/'}`);
}
