import type { ServerResponse } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import type { Content } from './files/content.ts';
import { writeJson } from './json.ts';
import type { ViewFault } from './script.ts';

/** An answer of ComfyUI: JSON, text, bytes, a file or nothing. */
export interface ComfyAnswer {
  status: number;
  headers?: Record<string, string>;
  json?: unknown;
  text?: string;
  bytes?: Buffer | undefined;
  content?: Content;
}

/** What aiohttp says of an exception in a handler. */
export const TROUBLE: ComfyAnswer = {
  status: 500,
  text: '500 Internal Server Error\n\nServer got itself in trouble',
  headers: { connection: 'close' },
};

export const EMPTY_OK: ComfyAnswer = { status: 200 };

const CHUNK_BYTES = 256 * 1024;
const SERVER = 'Python/3.11 aiohttp/3.14.3';

/** Writes an answer with the headers aiohttp gives it. */
export function send(
  response: ServerResponse,
  answer: ComfyAnswer,
  withBody: boolean,
  writesNaN: boolean,
): void {
  const body = bodyOf(answer, writesNaN);
  const isChunked = answer.headers?.['transfer-encoding'] === 'chunked';
  response.writeHead(answer.status, {
    server: SERVER,
    ...(!isChunked && answer.status !== 304 && { 'content-length': answer.content?.size ?? body.length }),
    ...(answer.json !== undefined && { 'content-type': 'application/json; charset=utf-8' }),
    ...(answer.text !== undefined && { 'content-type': 'text/plain; charset=utf-8' }),
    ...lowerCased(answer.headers),
  });
  if (answer.content && withBody) void sendContent(response, answer.content, null);
  else response.end(withBody ? body : undefined);
}

/** Writes a file slowly, or only its beginning. */
export async function sendFaulty(
  response: ServerResponse,
  answer: ComfyAnswer,
  fault: ViewFault,
): Promise<void> {
  if (fault.delayMs > 0) await setTimeout(fault.delayMs, undefined, { ref: false });
  if (!answer.content) {
    send(response, answer, true, false);
    return;
  }
  response.writeHead(answer.status, {
    server: SERVER,
    'content-length': answer.content.size,
    ...lowerCased(answer.headers),
  });
  await sendContent(response, answer.content, fault);
}

/** A route that does not exist: a 404 with a chunked body of nothing. */
export function sendUnknown(response: ServerResponse): void {
  response.writeHead(404, {
    server: SERVER,
    'content-type': 'application/octet-stream',
    'transfer-encoding': 'chunked',
  });
  response.end();
}

async function sendContent(
  response: ServerResponse,
  content: Content,
  fault: ViewFault | null,
): Promise<void> {
  const end = Math.min(content.size, fault?.cutAfterBytes ?? content.size);
  const perSecond = fault?.bytesPerSecond ?? null;
  // Ten pieces a second are slow enough to be seen and few enough to be cheap.
  const step = perSecond === null ? CHUNK_BYTES : Math.max(1, Math.floor(perSecond / 10));
  for (let at = 0; at < end && !response.destroyed; at += step) {
    if (perSecond !== null) await setTimeout(100, undefined, { ref: false });
    await written(response, content.slice(at, Math.min(end, at + step)));
  }
  if (end < content.size) response.destroy();
  else response.end();
}

/** Resolves when more can be written, or nothing any more. */
function written(response: ServerResponse, piece: Buffer): Promise<void> {
  if (response.destroyed || response.write(piece)) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.once('drain', done).once('close', done);
  });
}

function lowerCased(headers: Record<string, string> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function bodyOf({ json, text, bytes }: ComfyAnswer, writesNaN: boolean): Buffer {
  if (bytes) return bytes;
  const written = json === undefined ? (text ?? '') : writeJson(json);
  return Buffer.from(
    writesNaN && json !== undefined ? written.replace(/\}$/, ',"best":NaN,"least":-Infinity}') : written,
  );
}
