import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { AutopodError, type Failure, type FailureCode, toFailure } from '../../errors.ts';
import { Bytes } from './bytes.ts';
import { refused, SAFE_HEADERS } from './http-words.ts';
import { answerPage } from './page.ts';
import { Streamed } from './streamed.ts';

export interface Listening {
  host: string;
  port: number;
  /** PEM, for HTTPS. */
  tls?: { cert: Buffer; key: Buffer } | undefined;
}

/** Milliseconds and bytes a request may take. */
export interface Bounds {
  headersMs: number;
  /** Of the whole request, its body included. */
  requestMs: number;
  bodyBytes: number;
}

export const BOUNDS: Bounds = { headersMs: 10_000, requestMs: 15_000, bodyBytes: 64 * 1024 };

const MAX_CONNECTIONS = 1_000;
const MAX_HEADER_BYTES = 16 * 1024;

/** What a question is answered with when it fails; anything else is our bug, and the log has it. */
const STATUSES: Partial<Record<FailureCode, number>> = {
  usage: 400,
  notAdmitted: 401,
  notAllowed: 403,
  podNotFound: 404,
  jobNotFound: 404,
  poolNotFound: 404,
  outputGone: 404,
  filesCleaned: 410,
  serverDiskFull: 507,
  internal: 500,
};

export interface Gateway {
  readonly url: string;
  close: () => Promise<void>;
}

export interface Asked {
  method: string;
  /** As sent, without the query: only letters that need no escaping get this far. */
  path: string;
  query: URLSearchParams;
  /** Undefined where none was sent. */
  token: string | undefined;
  /** Of a stream that is taken up again. */
  lastEventId?: string | undefined;
  body: () => Promise<unknown>;
  /** A body that is no JSON, of so many bytes at most. */
  bytes: (most: number) => Promise<Buffer>;
  /** The range that is asked for, as it was sent. */
  range: string | undefined;
  signal: AbortSignal;
}

/** Serves JSON over HTTP. `answer` decides; nothing that is longer, slower or odder than need be reaches it. */
export async function listen(
  { host, port, tls }: Listening,
  answer: (asked: Asked) => Promise<unknown>,
  { log, bounds = BOUNDS }: { log: (line: string) => void; bounds?: Bounds | undefined },
): Promise<Gateway> {
  const listener: RequestListener = (request, response) => {
    const left = new AbortController();
    response.on('close', () => left.abort());
    const route = `${request.method} ${(request.url ?? '').split('?')[0]?.slice(0, 200)}`;
    if (isPlain(request) && answerPage(request, response)) return;
    asked(request, bounds, left.signal)
      .then(answer)
      .then((value) => (isAnswer(value) ? value.to(response) : send(response, 200, value)))
      .catch((error: unknown) => {
        const failure = toFailure(error);
        if (failure.code === 'internal') log(`${route} failed: ${failure.detail.message}`);
        const detail = failure.code === 'internal' ? {} : failure.detail;
        send(response, statusOf(failure), { error: { code: failure.code, detail } });
      });
  };
  const options = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: bounds.headersMs,
    requestTimeout: bounds.requestMs,
    connectionsCheckingInterval: Math.min(1_000, bounds.headersMs),
    insecureHTTPParser: false,
  };
  const server = tls ? createTlsServer({ ...options, ...tls }, listener) : createServer(options, listener);
  server.maxConnections = MAX_CONNECTIONS;
  server.listen(port, host);
  await once(server, 'listening').catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EADDRINUSE'
      ? new AutopodError('localPortTaken', { port, option: '--listen' })
      : error;
  });
  const { port: taken } = server.address() as AddressInfo;
  return {
    url: `${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${taken}`,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function statusOf({ code, detail }: Failure): number {
  return code === 'gatewayRefused' ? Number(detail.status) : (STATUSES[code] ?? 409);
}

async function asked(request: IncomingMessage, { bodyBytes }: Bounds, signal: AbortSignal): Promise<Asked> {
  const [path = '', query = '', ...more] = (request.url ?? '').split('?');
  // No name of ours needs an escape, so one is either a mistake or a trick.
  if (more.length > 0 || !/^(\/[\w:.-]+)+$/.test(path) || /\/\.+(\/|$)/.test(path)) {
    throw refused(404, 'there is nothing there');
  }
  const { authorization: header = [], host = [] } = request.headersDistinct;
  if (header.length > 1) throw refused(400, 'more than one authorization');
  if (host.length > 1) throw refused(400, 'more than one host');
  if (request.headers.upgrade !== undefined) throw refused(400, 'no other protocol is spoken here');
  if (request.method !== 'POST' && hasBody(request)) throw refused(400, 'such a request has no body');
  return {
    method: request.method ?? '',
    path,
    query: new URLSearchParams(query),
    token: /^Bearer ([\w-]{20,200})$/i.exec(header[0] ?? '')?.[1],
    lastEventId: /^[\dTZ:.+-]{10,40}$/.exec(String(request.headers['last-event-id'] ?? ''))?.[0],
    body: () => readJson(request, bodyBytes),
    bytes: (most) => readBody(request, 'application/octet-stream', most),
    range: request.headers.range,
    signal,
  };
}

/** Nothing of it could be read otherwise by somebody in front. */
function isPlain(request: IncomingMessage): boolean {
  const { host = [] } = request.headersDistinct;
  return host.length <= 1 && request.headers.upgrade === undefined && !hasBody(request);
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

async function readJson(request: IncomingMessage, most: number): Promise<unknown> {
  const text = (await readBody(request, 'application/json', most)).toString();
  try {
    return JSON.parse(text);
  } catch {
    throw refused(400, 'the body is no JSON');
  }
}

async function readBody(request: IncomingMessage, type: string, most: number): Promise<Buffer> {
  const [said = ''] = (request.headers['content-type'] ?? '').split(';');
  if (said.trim().toLowerCase() !== type) throw refused(415, `a body is ${type}`);
  if (Number(request.headers['content-length'] ?? 0) > most) throw tooLarge(request, most);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > most) throw tooLarge(request, most);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Nothing more of it is read. */
function tooLarge(request: IncomingMessage, most: number): AutopodError {
  request.pause();
  return refused(413, `a body has at most ${most} bytes`);
}

/** One that is no JSON. */
function isAnswer(value: unknown): value is Bytes | Streamed {
  return value instanceof Bytes || value instanceof Streamed;
}

function send(response: ServerResponse, status: number, value: unknown): void {
  if (response.headersSent || response.destroyed) return;
  const body = JSON.stringify(value ?? null);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...SAFE_HEADERS,
    // What is left of a body that was not read ends with the connection.
    ...(status >= 400 && { connection: 'close' }),
  });
  response.end(body);
}
