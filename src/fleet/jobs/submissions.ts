import { link, mkdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { AutopodError } from '../../errors.ts';
import { checkTemplate } from '../../jobs/files/index.ts';
import { UNBEGUN } from '../../jobs/unbegun.ts';
import type { BatchFacts, JobFacts, JobInput } from '../../machines/job-types.ts';
import { writeSynced } from '../../store/atomic-file.ts';
import type { JobStore } from '../../store/jobs.ts';
import type { FleetHome } from '../home.ts';
import type { Room } from '../storage/room.ts';
import type { Contents } from './contents.ts';
import { type Manifest, manifest } from './manifest.ts';

export interface Submission {
  /** Made by whoever submits: asked again with it, nothing is made twice. */
  submission: string;
  /** SHA-256 of the manifest. */
  manifest: string;
  pool: string;
  priority: number;
  owner: string;
}

/** Jobs of one batch that are to be made once more, with the same values. */
export interface Again extends Omit<Submission, 'manifest'> {
  of: BatchFacts;
  jobs: JobFacts[];
}

/** Turns what members send into batches on disk. */
export class Submissions {
  readonly #home: FleetHome;
  readonly #store: JobStore;
  readonly #contents: Contents;
  readonly #room: Pick<Room, 'require'>;
  /** One is taken after the other: two that are the same are one. */
  #accepting: Promise<unknown> = Promise.resolve();

  constructor(home: FleetHome, store: JobStore, contents: Contents, room: Pick<Room, 'require'>) {
    this.#home = home;
    this.#store = store;
    this.#contents = contents;
    this.#room = room;
  }

  /** The batch of a submission, written unless it is there. Throws `usage`, `nameTemplateInvalid`, `inputChanged`, `serverDiskFull`. */
  accept(submission: Submission): Promise<BatchFacts> {
    return this.#alone(() => this.#accept(submission));
  }

  /** Likewise, of jobs that were here before. Throws `inputUnreadable` where what they took in is here no more. */
  again(asked: Again): Promise<BatchFacts> {
    return this.#alone(async () => {
      const batchId = await this.#idOf(asked);
      return (await this.#store.batch(batchId)) ?? this.#createAgain(batchId, asked);
    });
  }

  #alone(make: () => Promise<BatchFacts>): Promise<BatchFacts> {
    const made = this.#accepting.then(make);
    this.#accepting = made.catch(() => undefined);
    return made;
  }

  async #accept(submission: Submission): Promise<BatchFacts> {
    const parsed = manifest.safeParse(JSON.parse(await this.#contents.text(submission.manifest)));
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      throw new AutopodError('usage', { message: `${issue?.path.join('.')}: ${issue?.message}.` });
    }
    checkTemplate(parsed.data.nameTemplate);
    const batchId = await this.#idOf(submission);
    return (await this.#store.batch(batchId)) ?? this.#create(batchId, submission, parsed.data);
  }

  async #create(batchId: string, asked: Submission, sent: Manifest): Promise<BatchFacts> {
    const { owner, pool } = asked;
    const createdAt = Date.now();
    const idOf = this.#idsFor(batchId, sent.jobs.length);
    const texts = new Map<string, Promise<string>>();
    const kept = (sha256: string): Promise<string> => {
      const known =
        texts.get(sha256) ?? this.#contents.text(sha256).then((text) => this.#store.putContent(text));
      texts.set(sha256, known);
      return known;
    };
    const jobs: JobFacts[] = [];
    for (const job of sent.jobs) {
      const jobId = idOf();
      jobs.push({
        ...UNBEGUN,
        jobId,
        batchId,
        name: job.name,
        index: jobs.length,
        createdAt,
        prompt: await kept(job.prompt),
        workflow: job.workflow === null ? null : await kept(job.workflow),
        changes: job.changes,
        seeds: job.seeds,
        inputs: await this.#inputs(job.inputs),
        titles: sent.titles,
        out: this.#outOf(batchId, jobId),
        nameTemplate: sent.nameTemplate,
        withPreviews: sent.withPreviews,
        umask: 0o077,
        owner,
        pool,
      });
    }
    return this.#write(batchId, asked, sent, jobs);
  }

  async #createAgain(batchId: string, asked: Again): Promise<BatchFacts> {
    const { owner, pool, of, jobs } = asked;
    const createdAt = Date.now();
    const idOf = this.#idsFor(batchId, jobs.length);
    const again: JobFacts[] = [];
    for (const job of jobs) {
      for (const input of job.inputs) await requireThere(input);
      const jobId = idOf();
      const out = this.#outOf(batchId, jobId);
      const index = again.length;
      again.push({ ...job, ...UNBEGUN, jobId, batchId, index, createdAt, out, owner, pool, kept: [] });
    }
    return this.#write(batchId, asked, of, again);
  }

  async #write(
    batchId: string,
    { owner, pool, priority }: Pick<Submission, 'owner' | 'pool' | 'priority'>,
    { name, onError, maxCost }: Pick<BatchFacts, 'name' | 'onError' | 'maxCost'>,
    jobs: JobFacts[],
  ): Promise<BatchFacts> {
    const batch: BatchFacts = {
      batchId,
      name,
      createdAt: jobs[0]?.createdAt ?? Date.now(),
      count: jobs.length,
      podIds: [],
      onError,
      maxCost,
      // biome-ignore lint/suspicious/noThenProperty: no value with it is awaited as one that has a method of this name
      then: 'keep',
      rented: [],
      owner,
      pool,
      priority,
    };
    await this.#room.require(0);
    // A job of an attempt that was cut off before its batch was written is nobody's.
    await this.#store.remove(batchId);
    await this.#store.create(batch, jobs);
    return batch;
  }

  /** Ids for so many jobs of a batch: of a single one, the batch's own. */
  #idsFor(batchId: string, count: number): () => string {
    const ids = new Set<string>([batchId]);
    return () => {
      if (count === 1) return batchId;
      let id = this.#store.newId();
      while (ids.has(id)) id = this.#store.newId();
      ids.add(id);
      return id;
    };
  }

  #outOf(batchId: string, jobId: string): string {
    return join(this.#home.outputs, batchId, jobId);
  }

  async #inputs(sent: Manifest['jobs'][number]['inputs']): Promise<JobInput[]> {
    const inputs: JobInput[] = [];
    for (const { sha256, bytes, ext, name, targets } of sent) {
      const file = await this.#contents.file(sha256, ext);
      if (file.bytes !== bytes) throw new AutopodError('inputChanged', { path: name });
      inputs.push({ path: file.path, sha256, bytes, targets });
    }
    return inputs;
  }

  /** The id that a submission has got, now or before; whoever comes first decides. */
  async #idOf({ submission }: Pick<Submission, 'submission'>): Promise<string> {
    const path = join(this.#home.jobs, 'submissions', submission);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const draft = `${path}.${process.pid}.tmp`;
    const known = await readFile(path, 'utf8').catch(() => undefined);
    if (known) return known;
    await writeSynced(draft, this.#store.newId());
    await link(draft, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    await rm(draft, { force: true });
    return readFile(path, 'utf8');
  }
}

/** Whether it is there, which is a use of it: it is not removed before its batch is written. */
async function requireThere({ path, bytes }: JobInput): Promise<void> {
  const now = new Date();
  const there = await utimes(path, now, now).then(
    () => stat(path),
    () => undefined,
  );
  if (there?.size === bytes) return;
  throw new AutopodError('inputUnreadable', {
    path: basename(path),
    reason: 'The fleet does not have it any more; run the workflow again, which sends it.',
  });
}
