import { request } from 'node:http';

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

/** Codes of a socket that nobody listens at, or whose listener has just left. */
const NOBODY = ['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE'];

/** One request over a Unix socket; undefined when nobody answers there. */
export function askSocket(
  socketPath: string,
  { method, path, body, signal }: SocketRequest,
): Promise<SocketAnswer | undefined> {
  const json = body === undefined ? undefined : JSON.stringify(body);
  const headers =
    json === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(json) };
  return new Promise((resolve, reject) => {
    const asked = request(
      { socketPath, method, path, headers, agent: false, ...(signal && { signal }) },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        response.once('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
        response.once('error', reject);
      },
    );
    asked.once('error', (error: NodeJS.ErrnoException) => {
      if (NOBODY.includes(error.code ?? '')) resolve(undefined);
      else reject(error);
    });
    asked.end(json);
  });
}
