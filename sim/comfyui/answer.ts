import type { ServerResponse } from 'node:http';

/** An answer of ComfyUI: JSON, text, bytes or nothing. */
export interface ComfyAnswer {
  status: number;
  headers?: Record<string, string>;
  json?: unknown;
  text?: string;
  bytes?: Buffer;
}

/** What aiohttp says of an exception in a handler. */
export const TROUBLE: ComfyAnswer = {
  status: 500,
  text: '500 Internal Server Error\n\nServer got itself in trouble',
  headers: { connection: 'close' },
};

export const EMPTY_OK: ComfyAnswer = { status: 200 };

/** Writes an answer with the headers aiohttp gives it. */
export function send(
  response: ServerResponse,
  answer: ComfyAnswer,
  withBody: boolean,
  writesNaN: boolean,
): void {
  const body = bodyOf(answer, writesNaN);
  response.writeHead(answer.status, {
    server: 'Python/3.11 aiohttp/3.14.3',
    'content-length': body.length,
    ...(answer.json !== undefined && { 'content-type': 'application/json; charset=utf-8' }),
    ...(answer.text !== undefined && { 'content-type': 'text/plain; charset=utf-8' }),
    ...lowerCased(answer.headers),
  });
  response.end(withBody ? body : undefined);
}

/** A route that does not exist: a 404 with a chunked body of nothing. */
export function sendUnknown(response: ServerResponse): void {
  response.writeHead(404, {
    server: 'Python/3.11 aiohttp/3.14.3',
    'content-type': 'application/octet-stream',
    'transfer-encoding': 'chunked',
  });
  response.end();
}

function lowerCased(headers: Record<string, string> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function bodyOf({ json, text, bytes }: ComfyAnswer, writesNaN: boolean): Buffer {
  if (bytes) return bytes;
  const written = json === undefined ? (text ?? '') : JSON.stringify(json);
  return Buffer.from(
    writesNaN && json !== undefined ? written.replace(/\}$/, ',"best":NaN,"least":-Infinity}') : written,
  );
}
