import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { S3Client } from '@aws-sdk/client-s3';
import { AutopodError } from '../../errors.ts';
import { wayOut } from '../../services/runpod/way-out.ts';
import { type Credentials, readCredentials } from './credentials.ts';
import type { Library } from './library.ts';
import type { BucketPlace } from './settings.ts';
import { storageFailure } from './storage-failure.ts';

/** Bytes of a part of a large file; one that is no larger goes in one request. */
export const PART_BYTES = 8 * 1024 * 1024;
const PARTS_AT_ONCE = 3;
const MOST_PARTS = 10_000;

const CONNECT_MS = 5_000;
/** Without a byte. */
const SILENCE_MS = 30_000;
/** Tries of one request, with growing pauses between. */
const TRIES = 4;

/** What a file is known by. */
export interface Known {
  bytes: number;
  sha256: string;
}

/** One bucket, as its place says; it knows nothing of jobs. Every method throws `storageUnreachable` and `storageRefused`. */
export class Bucket {
  readonly place: BucketPlace;
  readonly #library: Library;
  readonly #client: S3Client;

  constructor(place: BucketPlace, library: Library, credentials: Credentials | undefined) {
    this.place = place;
    this.#library = library;
    const { endpoint, region, style } = place;
    const { http: httpAgent, https: httpsAgent } = wayOut(endpoint ?? `https://s3.${region}.amazonaws.com`);
    this.#client = new library.S3Client({
      region,
      ...(endpoint !== null && { endpoint }),
      forcePathStyle: style === 'path',
      ...(credentials && { credentials }),
      // Bodies are signed with their SHA-256, which every server checks. Others than AWS refuse headers of further sums.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      maxAttempts: TRIES,
      requestHandler: { connectionTimeout: CONNECT_MS, socketTimeout: SILENCE_MS, httpAgent, httpsAgent },
    });
  }

  /** With what it is entered by. Throws `usage` where that file cannot be used. */
  static async open(place: BucketPlace, library: Library): Promise<Bucket> {
    const { credentials } = place;
    return new Bucket(place, library, credentials === null ? undefined : await readCredentials(credentials));
  }

  /**
   * Puts a file there under its key, whole or not at all; one that is there already is left. Sent again after anything,
   * there is one of it. Throws `inputChanged` where the file here is not what it is known by.
   */
  put(key: string, path: string, known: Known, signal: AbortSignal): Promise<void> {
    return this.#told(signal, async () => {
      // An answer to this has no words for what is wrong; those to what is written have.
      const isThere = await this.#has(key, known, signal).catch(() => false);
      if (isThere) return;
      const { bytes, sha256 } = known;
      const partSize = Math.max(PART_BYTES, Math.ceil(bytes / MOST_PARTS));
      if (bytes > partSize) await this.#dropUnfinished(key, signal);
      const abortController = new AbortController();
      const abort = () => abortController.abort(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      try {
        const params = {
          Bucket: this.place.bucket,
          Key: key,
          Body: Readable.from(asKnown(path, known), { objectMode: false }),
          Metadata: { sha256 },
        };
        const how = { partSize, queueSize: PARTS_AT_ONCE, abortController };
        await new this.#library.Upload({ client: this.#client, params, ...how }).done();
      } finally {
        signal.removeEventListener('abort', abort);
      }
      if (await this.#has(key, known, signal)) return;
      throw new AutopodError('storageUnreachable', { ...this.#named, detail: `${key} did not come whole` });
    });
  }

  /** What is there under a key, from a byte on. Throws `outputGone`. */
  async get(key: string, from: number, bytes: number, signal: AbortSignal): Promise<Readable> {
    return this.#told(signal, async () => {
      const asked = { Bucket: this.place.bucket, Key: key, ...(from > 0 && { Range: `bytes=${from}-` }) };
      const answer = await this.#client
        .send(new this.#library.GetObjectCommand(asked), { abortSignal: signal })
        .catch((error: unknown) => {
          if (!isNone(error)) throw error;
          throw new AutopodError('outputGone', { filename: key.split('/').at(-1) ?? key });
        });
      const body = answer.Body as Readable;
      if (answer.ContentLength === bytes - from) return body;
      body.destroy();
      throw new AutopodError('outputGone', { filename: key.split('/').at(-1) ?? key });
    });
  }

  /** What is not there is as good as removed. One at a time: of several at once not all servers want the same checksum. */
  remove(key: string, signal: AbortSignal): Promise<void> {
    return this.#told(signal, async () => {
      const asked = new this.#library.DeleteObjectCommand({ Bucket: this.place.bucket, Key: key });
      await this.#client.send(asked, { abortSignal: signal });
    });
  }

  /** Writes something there, reads it, and removes it: whatever will be wrong later is wrong now. */
  probe(key: string, signal: AbortSignal): Promise<void> {
    return this.#told(signal, async () => {
      const { PutObjectCommand, GetObjectCommand, DeleteObjectCommand } = this.#library;
      const where = { Bucket: this.place.bucket, Key: key };
      const Body = Buffer.from('autopod');
      const how = { abortSignal: signal };
      await this.#client.send(new PutObjectCommand({ ...where, Body }), how);
      const answer = await this.#client.send(new GetObjectCommand(where), how);
      const came = await buffer(answer.Body as Readable);
      await this.#client.send(new DeleteObjectCommand(where), how);
      if (came.equals(Body)) return;
      throw new AutopodError('storageRefused', {
        ...this.#named,
        reason: 'other',
        detail: 'What is written there is not what is read.',
      });
    });
  }

  close(): void {
    this.#client.destroy();
  }

  get #named() {
    return { bucket: this.place.bucket, endpoint: this.place.endpoint ?? undefined };
  }

  async #has(key: string, { bytes, sha256 }: Known, signal: AbortSignal): Promise<boolean> {
    const asked = new this.#library.HeadObjectCommand({ Bucket: this.place.bucket, Key: key });
    try {
      const { ContentLength, Metadata } = await this.#client.send(asked, { abortSignal: signal });
      return ContentLength === bytes && Metadata?.sha256 === sha256;
    } catch (error) {
      if (isNone(error)) return false;
      throw error;
    }
  }

  /** What an upload that was cut off has left costs, and nobody sees it. Who may not look for it, may still write. */
  async #dropUnfinished(key: string, signal: AbortSignal): Promise<void> {
    const { bucket: Bucket } = this.place;
    const { ListMultipartUploadsCommand, AbortMultipartUploadCommand } = this.#library;
    const list = new ListMultipartUploadsCommand({ Bucket, Prefix: key });
    const { Uploads = [] } = await this.#client
      .send(list, { abortSignal: signal })
      .catch((): { Uploads?: { Key?: string; UploadId?: string }[] } => ({}));
    for (const { Key, UploadId } of Uploads) {
      if (Key === key)
        await this.#client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }), {
          abortSignal: signal,
        });
    }
  }

  async #told<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      throw storageFailure(error, this.place);
    }
  }
}

/** The file's bytes; its last are given only where all of it is what it is known by, so that nothing else becomes whole. */
async function* asKnown(path: string, { bytes, sha256 }: Known): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  let size = 0;
  let held: Buffer | undefined;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 18 }) as AsyncIterable<Buffer>) {
    if (held) yield held;
    hash.update(chunk);
    size += chunk.length;
    held = chunk;
  }
  if (size !== bytes || hash.digest('hex') !== sha256) throw new AutopodError('inputChanged', { path });
  if (held) yield held;
}

function isNone(error: unknown): boolean {
  const { name = '', $metadata } = error as { name?: string; $metadata?: { httpStatusCode?: number } };
  return name === 'NoSuchKey' || (name === 'NotFound' && $metadata?.httpStatusCode === 404);
}
