import { createHash, randomUUID } from 'node:crypto';
import { open } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { AutopodError, toFailure } from '../../errors.ts';
import type { BatchFacts, JobFacts, JobInput } from '../../machines/job-types.ts';
import { newJobId } from '../../store/job-record.ts';
import type { Context } from '../context.ts';
import type { JobClient } from './job-client.ts';
import { patiently } from './patiently.ts';

/** Bytes of a piece. */
const PIECE_BYTES = 1 << 20;

/** A run on its way to a fleet, in the place of the store that keeps one here. */
export class Submission {
  readonly #context: Context;
  readonly #client: JobClient;
  readonly #to: { pool: string; priority: number };
  readonly #texts = new Map<string, string>();
  #batch: BatchFacts | undefined;

  constructor(context: Context, client: JobClient, to: { pool: string; priority: number }) {
    this.#context = context;
    this.#client = client;
    this.#to = to;
  }

  /** As the fleet has it. */
  get batch(): BatchFacts {
    if (!this.#batch) throw new Error('it has not been submitted');
    return this.#batch;
  }

  /** For here: the fleet names jobs itself. */
  newId(): string {
    return newJobId();
  }

  async putContent(text: string): Promise<string> {
    const sha256 = createHash('sha256').update(text).digest('hex');
    this.#texts.set(sha256, text);
    return sha256;
  }

  /** Sends what the fleet does not have, and then the batch; once, however often it has to be tried. */
  async create(batch: BatchFacts, jobs: Iterable<JobFacts>): Promise<void> {
    const all = [...jobs];
    const inputs = new Map(all.flatMap((job) => job.inputs.map((input) => [input.sha256, input] as const)));
    for (const input of inputs.values()) await this.#sendFile(input);
    for (const [sha256, text] of this.#texts) await this.#sendBytes(sha256, Buffer.from(text));
    const manifest = JSON.stringify(manifestOf(batch, all));
    const sha256 = await this.putContent(manifest);
    await this.#sendBytes(sha256, Buffer.from(manifest));
    const request = { submission: randomUUID(), manifest: sha256, ...this.#to };
    this.#batch = (await patiently(this.#context, () => this.#client.submit(request))).batch;
  }

  #sendBytes(sha256: string, bytes: Buffer): Promise<void> {
    return this.#send(sha256, bytes.length, async (offset) => bytes.subarray(offset, offset + PIECE_BYTES));
  }

  async #sendFile({ path, sha256, bytes }: JobInput): Promise<void> {
    const file = await open(path).catch((error: NodeJS.ErrnoException) => {
      throw new AutopodError('inputUnreadable', { path, reason: error.message });
    });
    try {
      await this.#send(sha256, bytes, async (offset) => {
        const { buffer, bytesRead } = await file.read(Buffer.alloc(PIECE_BYTES), 0, PIECE_BYTES, offset);
        if (bytesRead === 0 && offset < bytes) throw new AutopodError('inputChanged', { path });
        return buffer.subarray(0, bytesRead);
      });
    } catch (error) {
      // The server knows only what it is to be.
      if (toFailure(error).code === 'inputChanged') throw new AutopodError('inputChanged', { path });
      throw error;
    } finally {
      await file.close();
    }
  }

  async #send(sha256: string, of: number, piece: (offset: number) => Promise<Buffer>): Promise<void> {
    let standing = await patiently(this.#context, () => this.#client.content(sha256));
    while (!standing.isWhole) {
      const { bytes } = standing;
      const next = await piece(bytes);
      standing = await patiently(this.#context, () => this.#client.sendPiece(sha256, bytes, of, next));
    }
  }
}

function manifestOf({ name, onError, maxCost }: BatchFacts, jobs: JobFacts[]) {
  const { nameTemplate = '', withPreviews = false, titles = {} } = jobs[0] ?? {};
  return {
    name,
    onError,
    maxCost,
    nameTemplate,
    withPreviews,
    titles,
    jobs: jobs.map((job) => ({
      name: job.name,
      prompt: job.prompt,
      workflow: job.workflow,
      changes: job.changes,
      seeds: job.seeds,
      inputs: job.inputs.map(({ path, sha256, bytes, targets }) => ({
        sha256,
        bytes,
        ext: extensionOf(path),
        name: basename(path).slice(0, 300),
        targets,
      })),
    })),
  };
}

/** By which ComfyUI's nodes go. */
function extensionOf(path: string): string {
  const ext = extname(path).toLowerCase();
  return /^\.[a-z0-9]{1,10}$/.test(ext) ? ext : '';
}
