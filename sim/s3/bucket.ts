import { createHash, randomUUID } from 'node:crypto';
import { Refusal } from './refusal.ts';

/** An object as it is kept. */
export interface StoredObject {
  bytes: Buffer;
  etag: string;
  /** What was sent with `x-amz-meta-`, without that. */
  metadata: Record<string, string>;
  at: Date;
}

interface Unfinished {
  key: string;
  metadata: Record<string, string>;
  parts: Map<number, Buffer>;
  at: Date;
}

/** Bytes that each part but the last has at least. */
const LEAST_PART = 5 * 1024 * 1024;

/** What one bucket has in it. */
export class SimBucket {
  readonly objects = new Map<string, StoredObject>();
  readonly uploads = new Map<string, Unfinished>();
  /** How often each key was written whole. */
  readonly timesPut = new Map<string, number>();

  get bytes(): number {
    return [...this.objects.values()].reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  put(key: string, bytes: Buffer, metadata: Record<string, string>, etag = md5(bytes)): StoredObject {
    const stored = { bytes, etag: `"${etag}"`, metadata, at: new Date() };
    this.objects.set(key, stored);
    this.timesPut.set(key, (this.timesPut.get(key) ?? 0) + 1);
    return stored;
  }

  begin(key: string, metadata: Record<string, string>): string {
    const id = randomUUID();
    this.uploads.set(id, { key, metadata, parts: new Map(), at: new Date() });
    return id;
  }

  part(id: string, number: number, bytes: Buffer): string {
    this.#upload(id).parts.set(number, bytes);
    return `"${md5(bytes)}"`;
  }

  /** @throws Refusal where a part is not there, is not what was sent, or is too small. */
  complete(id: string, parts: { number: number; etag: string }[]): StoredObject {
    const { key, metadata, parts: sent } = this.#upload(id);
    const pieces = parts.map(({ number, etag }, at) => {
      const piece = sent.get(number);
      if (!piece || `"${md5(piece)}"` !== etag) throw new Refusal(400, 'InvalidPart', `part ${number}`);
      if (piece.length < LEAST_PART && at < parts.length - 1)
        throw new Refusal(400, 'EntityTooSmall', `part ${number}`);
      return piece;
    });
    const digests = Buffer.concat(pieces.map((piece) => createHash('md5').update(piece).digest()));
    this.uploads.delete(id);
    return this.put(key, Buffer.concat(pieces), metadata, `${md5(digests)}-${pieces.length}`);
  }

  abort(id: string): void {
    this.#upload(id);
    this.uploads.delete(id);
  }

  #upload(id: string): Unfinished {
    const upload = this.uploads.get(id);
    if (!upload) throw new Refusal(404, 'NoSuchUpload', 'There is no such upload.');
    return upload;
  }
}

function md5(bytes: Buffer): string {
  return createHash('md5').update(bytes).digest('hex');
}
