import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { Readable } from 'node:stream';
import * as z from 'zod';
import { AutopodError } from '../../errors.ts';
import type { JobInput } from '../../machines/job-types.ts';
import { lenientJson } from '../lenient-json.ts';
import { storedShape } from './shapes.ts';
import { limitIn } from './submit.ts';
import { type ComfyWay, exchange, odd, type Question, readBody } from './way.ts';

type File = Pick<JobInput, 'path' | 'sha256' | 'bytes'>;

/**
 * Puts a file into ComfyUI's input folder under a name of its content and gives that name, as a prompt has it. What is
 * there already is not sent again. `onBytes` is told how many have been sent.
 *
 * Throws `inputUnreadable`, `inputChanged` (then nothing was stored), `inputTooLarge`, `podDiskFull`, `comfyUnanswered`.
 */
export async function uploadInput(
  way: ComfyWay,
  input: File,
  signal: AbortSignal,
  onBytes?: (sent: number) => void,
): Promise<string> {
  await checkFile(input);
  const name = storedName(input);
  if (await isStored(way, name, input, signal)) return name;
  await checkLimit(way, input, signal);
  const stored = await send(way, name, input, signal, onBytes);
  if (!(await isStored(way, stored, input, signal))) {
    throw new AutopodError('podDiskFull', {
      message: `${stored} is there, but not with its ${input.bytes} bytes.`,
    });
  }
  return stored;
}

/** The same bytes have the same name; the extension stays, as nodes go by it. */
function storedName({ path, sha256 }: File): string {
  const ext = extname(path).toLowerCase();
  return `autopod-${sha256.slice(0, 16)}${/^\.[a-z0-9]{1,10}$/.test(ext) ? ext : ''}`;
}

async function checkFile({ path, bytes }: File): Promise<void> {
  const there = await stat(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  if (!there.isFile() || there.size !== bytes) throw new AutopodError('inputChanged', { path });
}

async function isStored(way: ComfyWay, name: string, { bytes }: File, signal: AbortSignal): Promise<boolean> {
  const slash = name.lastIndexOf('/');
  const where = { filename: name.slice(slash + 1), subfolder: name.slice(0, Math.max(0, slash)) };
  const question: Question = {
    operation: 'a question for an input file',
    method: 'HEAD',
    path: `/view?${new URLSearchParams({ ...where, type: 'input' })}`,
  };
  const answer = await exchange(way, question, signal);
  answer.destroy();
  if (answer.statusCode === 200) return Number(answer.headers['content-length']) === bytes;
  if (answer.statusCode === 404) return false;
  throw odd(answer, question);
}

const featuresShape = z.looseObject({ max_upload_size: z.number().positive().optional().catch(undefined) });

/** A server that refuses a body may cut it off before its answer has come: so it is asked first. */
async function checkLimit(way: ComfyWay, { path, bytes }: File, signal: AbortSignal): Promise<void> {
  if (bytes < 1e6) return;
  const question: Question = { operation: 'a question for its limits', path: '/features' };
  const answer = await exchange(way, question, signal);
  const text = await readBody(answer, question, signal);
  if (answer.statusCode !== 200) return;
  const limit = featuresShape.safeParse(lenientJson(text)).data?.max_upload_size;
  if (limit !== undefined && bytes > limit) throw new AutopodError('inputTooLarge', { path, bytes, limit });
}

async function send(
  way: ComfyWay,
  name: string,
  input: File,
  signal: AbortSignal,
  onBytes: ((sent: number) => void) | undefined,
): Promise<string> {
  const boundary = `autopod-${randomBytes(12).toString('hex')}`;
  const field = (which: string, value: string) =>
    `--${boundary}\r\ncontent-disposition: form-data; name="${which}"\r\n\r\n${value}\r\n`;
  // One that a cut upload has left half is replaced; whole, it has the same bytes.
  const head = Buffer.from(
    `${field('type', 'input')}${field('overwrite', 'true')}--${boundary}\r\ncontent-disposition: form-data; name="image"; filename="${name}"\r\ncontent-type: application/octet-stream\r\n\r\n`,
  );
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  const question: Question = {
    operation: `the upload of ${input.path}`,
    method: 'POST',
    path: '/upload/image',
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    body: {
      stream: Readable.from(parts(head, input, tail, onBytes), { objectMode: false }),
      bytes: head.length + input.bytes + tail.length,
    },
    silenceMs: 60_000,
  };
  const answer = await exchange(way, question, signal);
  const text = await readBody(answer, question, signal);
  const { path, bytes } = input;
  if (answer.statusCode === 413) {
    throw new AutopodError('inputTooLarge', { path, bytes, limit: limitIn(text) });
  }
  if (answer.statusCode === 507) throw new AutopodError('podDiskFull');
  if (answer.statusCode === 500) throw new AutopodError('podDiskFull', { message: COULD_NOT_STORE });
  const stored = answer.statusCode === 200 ? storedShape.safeParse(lenientJson(text)).data : undefined;
  if (!stored) throw odd(answer, question, text);
  return stored.subfolder ? `${stored.subfolder}/${stored.name}` : stored.name;
}

/** ComfyUI tells only this much of any trouble with writing the file. */
const COULD_NOT_STORE = 'ComfyUI could not store the file (HTTP 500); its log tells more.';

/** The end of the body, without which nothing is stored, goes out only after the file was what it was to be. */
async function* parts(
  head: Buffer,
  { path, sha256, bytes }: File,
  tail: Buffer,
  onBytes: ((sent: number) => void) | undefined,
): AsyncGenerator<Buffer> {
  yield head;
  const hash = createHash('sha256');
  let sent = 0;
  try {
    for await (const chunk of createReadStream(path)) {
      sent += (chunk as Buffer).length;
      if (sent > bytes) break;
      hash.update(chunk as Buffer);
      yield chunk as Buffer;
      onBytes?.(sent);
    }
  } catch (error) {
    throw unreadable(path, error);
  }
  if (sent !== bytes || hash.digest('hex') !== sha256) throw new AutopodError('inputChanged', { path });
  yield tail;
}

function unreadable(path: string, error: unknown): AutopodError {
  const { code, message } = error as NodeJS.ErrnoException;
  const reason =
    code === 'ENOENT' ? 'It is not there.' : code === 'EACCES' ? 'This user may not read it.' : message;
  return new AutopodError('inputUnreadable', { path, reason });
}
