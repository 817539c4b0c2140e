import type { ServerResponse } from 'node:http';
import { pipeline, type Readable } from 'node:stream';

/** An answer that is a file, or a part of one. */
export class Bytes {
  readonly status: number;
  readonly headers: Record<string, string | number>;
  readonly stream: Readable;

  constructor(status: number, headers: Record<string, string | number>, stream: Readable) {
    this.status = status;
    this.headers = headers;
    this.stream = stream;
  }

  to(response: ServerResponse): void {
    response.writeHead(this.status, {
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      // Nobody's picture is a page of ours.
      'content-security-policy': "default-src 'none'; sandbox",
      ...this.headers,
    });
    pipeline(this.stream, response, () => undefined);
  }
}
