import type { IncomingMessage } from 'node:http';
import type { ComfyAnswer } from './answer.ts';

/** The body of a request, or what there was until it grew too long. */
export interface Body {
  bytes: Buffer;
  isTooLong: boolean;
  limit: number;
}

/** Reads a body whole; what is beyond the limit is read and dropped. */
export async function readBody(request: IncomingMessage, limit: number): Promise<Body> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length <= limit) chunks.push(chunk);
  }
  return { bytes: Buffer.concat(chunks), isTooLong: length > limit, limit };
}

export function tooLarge({ limit }: Body): ComfyAnswer {
  return { status: 413, text: `Maximum request body size ${limit} exceeded.` };
}
