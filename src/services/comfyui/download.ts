import { setTimeout as sleep } from 'node:timers/promises';
import { AutopodError, toFailure } from '../../errors.ts';
import type { JobOutput } from '../../machines/job-types.ts';
import type { FileAnswer } from './answer.ts';
import type { FileClient } from './file-client.ts';
import { PartFile } from './part-file.ts';
import { settle } from './settle.ts';
import { isHtml, odd, type Question, unanswered } from './way.ts';

export interface Downloaded {
  /** Where it is: `toPath`, or that with `-2`, `-3`, … where another file has the name. */
  path: string;
  bytes: number;
  sha256: string;
}

/** Pauses between attempts that brought nothing: milliseconds. One that brought something starts over with the first. */
const PAUSES_MS = [200, 1_000, 3_000];

/** Asks for a file, or for the rest of it as its headers say, and gives the answer's head. */
export type AskForFile = (question: Question, signal: AbortSignal) => Promise<FileAnswer>;

type Telling = (bytes: number, ofBytes: number | null) => void;
interface Downloading {
  partPath?: string;
  onArrived?: () => void;
}

/**
 * Brings a file of ComfyUI's here, as `downloadFile` does.
 */
export function downloadOutput(
  comfyui: FileClient,
  { filename, subfolder, type }: Pick<JobOutput, 'filename' | 'subfolder' | 'type'>,
  toPath: string,
  signal: AbortSignal,
  onBytes?: Telling,
  downloading: Downloading = {},
): Promise<Downloaded> {
  const path = `/view?${new URLSearchParams({ filename, subfolder, type })}`;
  return downloadFile(
    (...asked) => comfyui.ask(...asked),
    { path, filename },
    toPath,
    signal,
    onBytes,
    downloading,
  );
}

/**
 * Brings one file here whole or not at all: first beside its name as `partPath`, which a later call continues, then
 * checked, on the disk, and renamed. A file of the same name stays; one of the same content is taken for this one.
 * `onBytes` is told how many of how many are here, `onArrived` when all are and only this machine's disk is waited for.
 *
 * Throws `outputGone`, `diskFull`, `outputFolderUnwritable`, and `comfyUnanswered` when it was cut several times.
 */
export async function downloadFile(
  ask: AskForFile,
  file: { path: string; filename: string },
  toPath: string,
  signal: AbortSignal,
  onBytes?: Telling,
  { partPath = `${toPath}.part`, onArrived = () => {} }: Downloading = {},
): Promise<Downloaded> {
  const part = await PartFile.open(partPath);
  try {
    let failures = 0;
    for (;;) {
      const before = part.bytes;
      try {
        await attempt(ask, file, part, signal, onBytes);
        break;
      } catch (error) {
        signal.throwIfAborted();
        if (toFailure(error).code !== 'comfyUnanswered') throw error;
        failures = part.bytes > before ? 0 : failures + 1;
        const pauseMs = PAUSES_MS[failures - 1] ?? 0;
        if (failures > PAUSES_MS.length) throw error;
        await sleep(pauseMs, undefined, { signal });
      }
    }
    onArrived();
    const { bytes } = part;
    const sha256 = await part.complete();
    const path = await settle(partPath, toPath, sha256);
    await part.remove();
    return { path, bytes, sha256 };
  } finally {
    await part.close();
  }
}

/** One request. Returns when the file is whole. */
async function attempt(
  ask: AskForFile,
  { path, filename }: { path: string; filename: string },
  part: PartFile,
  signal: AbortSignal,
  onBytes: Telling | undefined,
): Promise<void> {
  const question: Question = {
    operation: `the request for ${filename}`,
    path,
    headers: part.version === undefined ? {} : { range: `bytes=${part.bytes}-`, 'if-range': part.version },
  };
  const answer = await ask(question, signal);
  try {
    const ofBytes = await begin(answer, part, question, filename);
    if (ofBytes === part.bytes) return;
    onBytes?.(part.bytes, ofBytes);
    try {
      let { bytes } = part;
      await answer.read(
        (pieces) => part.take(pieces),
        (came) => {
          bytes += came;
          onBytes?.(bytes, ofBytes);
        },
      );
    } catch (error) {
      if (error instanceof AutopodError) throw error;
      signal.throwIfAborted();
      throw unanswered(question, error);
    }
    if (ofBytes !== null && part.bytes !== ofBytes) {
      const wrong = new Error(`${part.bytes} of ${ofBytes} bytes came`);
      if (part.bytes > ofBytes) await part.restart(undefined, null);
      throw unanswered(question, wrong);
    }
  } finally {
    answer.close();
  }
}

/** Makes the part what the answer's body goes on from, and gives the size of the whole, as far as it is told. */
async function begin(
  answer: FileAnswer,
  part: PartFile,
  question: Question,
  filename: string,
): Promise<number | null> {
  const status = answer.statusCode ?? 0;
  const version = versionOf(answer);
  if (status === 404) throw new AutopodError('outputGone', { filename });
  if (status === 206) {
    const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(answer.headers['content-range'] ?? '');
    const isOurs = Number(range?.[1]) === part.bytes && version === part.version;
    if (range && isOurs) return Number(range[2]);
    // ComfyUI's server takes no ETag in If-Range: it goes on in whatever the file is by now.
    return await again(part, question, 'the file has changed');
  }
  if (status === 416) {
    const ofBytes = Number(/^bytes \*\/(\d+)$/.exec(answer.headers['content-range'] ?? '')?.[1]);
    if (ofBytes === part.bytes && part.version !== undefined) return ofBytes;
    return await again(part, question, 'the file has changed');
  }
  if (status !== 200 || isHtml(answer)) throw odd(answer, question);
  if (answer.headers['content-encoding']) throw odd(answer, question);
  const length = answer.headers['content-length'];
  const ofBytes = length === undefined ? null : Number(length);
  await part.restart(version, ofBytes);
  return ofBytes;
}

/** What was here is no part of what is there: the next attempt starts from nothing. */
async function again(part: PartFile, question: Question, why: string): Promise<never> {
  await part.restart(undefined, null);
  throw unanswered(question, new Error(why));
}

/** What the server calls this version of the file; weak ones say nothing of single bytes. */
function versionOf({ headers }: FileAnswer): string | undefined {
  const { etag } = headers;
  if (etag !== undefined && !etag.startsWith('W/')) return etag;
  return headers['last-modified'];
}
