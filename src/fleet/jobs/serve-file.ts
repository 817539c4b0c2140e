import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { AutopodError, toFailure } from '../../errors.ts';
import type { JobOutput } from '../../machines/job-types.ts';
import { Bytes } from '../gateway/bytes.ts';
import { refused } from '../gateway/http-words.ts';
import type { Buckets } from '../storage/buckets.ts';
import type { Settings } from '../storage/settings.ts';

/** Where files of jobs may lie besides the disk. */
export interface Elsewhere {
  settings: Settings;
  buckets: Buckets;
  log: (line: string) => void;
}

/**
 * A file that a job has made, or the rest of it from where `range` says, wherever it lies. What lies in a bucket comes
 * through here, so that nobody has to be let in there. Throws `outputGone`, `storageUnreachable`, `storageRefused`.
 */
export async function fileAnswer(
  file: JobOutput,
  range: string | undefined,
  elsewhere: Elsewhere,
  signal: AbortSignal,
): Promise<Bytes> {
  const { sha256, bytes, filename } = file;
  if (sha256 === null || bytes === null) throw new AutopodError('outputGone', { filename });
  const headers = {
    'content-type': 'application/octet-stream',
    'accept-ranges': 'bytes',
    etag: `"${sha256}"`,
  };
  const from = range === undefined ? undefined : /^bytes=(\d+)-$/.exec(range)?.[1];
  const start = Number(from ?? 0);
  if (from !== undefined && start >= bytes) throw refused(416, `the file has ${bytes} bytes`);
  const stream = await streamOf(file, start, bytes, elsewhere, signal);
  if (from === undefined) return new Bytes(200, { ...headers, 'content-length': bytes }, stream);
  const rest = { 'content-length': bytes - start, 'content-range': `bytes ${start}-${bytes - 1}/${bytes}` };
  return new Bytes(206, { ...headers, ...rest }, stream);
}

async function streamOf(
  { path, stored, filename }: JobOutput,
  start: number,
  bytes: number,
  { settings, buckets, log }: Elsewhere,
  signal: AbortSignal,
): Promise<Readable> {
  if (stored) {
    try {
      const bucket = await buckets.named(stored.bucket, await settings.read());
      return await bucket.get(stored.key, start, bytes, signal);
    } catch (error) {
      const failure = forMembers(error);
      if (failure !== error) log(`${filename} cannot be brought: ${JSON.stringify(toFailure(error))}`);
      throw failure;
    }
  }
  const there = path === null ? undefined : await stat(path).catch(() => undefined);
  if (path === null || there?.size !== bytes) throw new AutopodError('outputGone', { filename });
  return createReadStream(path, { start });
}

/** Which bucket it is, and how it is entered, is nobody's business; the server's log has it. */
function forMembers(error: unknown): unknown {
  const { code } = toFailure(error);
  if (code === 'usage') return new AutopodError('storageRefused', {}, { cause: error });
  return code.startsWith('storage') ? new AutopodError(code, {}, { cause: error }) : error;
}
