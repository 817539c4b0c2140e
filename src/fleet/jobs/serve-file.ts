import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { AutopodError } from '../../errors.ts';
import type { JobOutput } from '../../machines/job-types.ts';
import { Bytes } from '../gateway/bytes.ts';
import { refused } from '../gateway/http-words.ts';

/** A file that a job has made, or the rest of it from where `range` says. Throws `outputGone`. */
export async function fileAnswer(
  { path, sha256, bytes, filename }: JobOutput,
  range: string | undefined,
): Promise<Bytes> {
  const there = path === null ? undefined : await stat(path).catch(() => undefined);
  if (!there || path === null || sha256 === null || there.size !== bytes) {
    throw new AutopodError('outputGone', { filename });
  }
  const headers = {
    'content-type': 'application/octet-stream',
    'accept-ranges': 'bytes',
    etag: `"${sha256}"`,
  };
  const from = range === undefined ? undefined : /^bytes=(\d+)-$/.exec(range)?.[1];
  if (from === undefined) {
    return new Bytes(200, { ...headers, 'content-length': bytes }, createReadStream(path));
  }
  const start = Number(from);
  if (start >= bytes) throw refused(416, `the file has ${bytes} bytes`);
  const rest = { 'content-length': bytes - start, 'content-range': `bytes ${start}-${bytes - 1}/${bytes}` };
  return new Bytes(206, { ...headers, ...rest }, createReadStream(path, { start }));
}
