import { existsSync } from 'node:fs';
import { AutopodError } from '../errors.ts';

export interface SocketRequest {
  method: string;
  path: string;
  body?: object | undefined;
  signal?: AbortSignal | undefined;
}

export interface SocketAnswer {
  status: number;
  body: string;
}

/** Milliseconds after which a keeper that took a request counts as stuck: closing waits for ssh, nothing else takes long. */
const STUCK_MS = 20_000;

const STUCK = 'it is there, but does not answer';

/** Codes of a socket that nobody listens at, or whose listener has just left. */
const NOBODY = ['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE'];

/**
 * One request over a Unix socket; undefined when nobody answers there. HTTP/1.0, whose answer ends with the
 * connection, needs no library: loading node:http would cost a status a third of its time.
 */
export function askSocket(
  socketPath: string,
  { method, path, body, signal }: SocketRequest,
): Promise<SocketAnswer | undefined> {
  const json = body === undefined ? '' : JSON.stringify(body);
  const head = [
    `${method} ${path} HTTP/1.0`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(json)}`,
  ];
  if (!existsSync(socketPath)) return Promise.resolve(undefined);
  // Loaded here only: where no keeper runs a status does without it.
  const { connect } = process.getBuiltinModule('node:net');
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const socket = connect(socketPath);
    const abort = () => socket.destroy(signal?.reason as Error);
    signal?.addEventListener('abort', abort, { once: true });
    socket.setTimeout(STUCK_MS, () =>
      socket.destroy(new AutopodError('keeperUnreachable', { detail: STUCK })),
    );
    let answer = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      answer += chunk;
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (NOBODY.includes(error.code ?? '')) resolve(undefined);
      else reject(error);
    });
    socket.once('close', () => {
      signal?.removeEventListener('abort', abort);
      resolve(parse(answer));
    });
    socket.write(`${head.join('\r\n')}\r\n\r\n${json}`);
  });
}

// A keeper that was killed in the middle of its answer has not answered.
function parse(answer: string): SocketAnswer | undefined {
  const [, status, length] = /^HTTP\/1\.\d (\d+)[\s\S]*?\r\ncontent-length: (\d+)\r\n/i.exec(answer) ?? [];
  const body = answer.slice(answer.indexOf('\r\n\r\n') + 4);
  if (status === undefined || Buffer.byteLength(body) < Number(length)) return undefined;
  return { status: Number(status), body };
}
