import type { IncomingMessage } from 'node:http';
import { type ComfyAnswer, TROUBLE } from './answer.ts';

const HEAD_BYTES = 4096;

/** `POST /upload/image`: swallows the body, names the file as ComfyUI does, and adds how many bytes came. */
export async function receiveUpload(request: IncomingMessage): Promise<ComfyAnswer> {
  let head = '';
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    if (head.length < HEAD_BYTES) head += chunk.toString('latin1', 0, HEAD_BYTES);
    bytes += chunk.length;
  }
  if (!request.headers['content-type']?.startsWith('multipart/form-data')) return TROUBLE;
  const name = /name="image"[^\r\n]*filename="([^"]*)"/.exec(head)?.[1];
  if (!name) return { status: 400 };
  return { status: 200, json: { name, subfolder: '', type: 'input', bytes } };
}
