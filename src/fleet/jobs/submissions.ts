import { link, mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
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
  async accept(submission: Submission): Promise<BatchFacts> {
    const accepted = this.#accepting.then(() => this.#accept(submission));
    this.#accepting = accepted.catch(() => undefined);
    return accepted;
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
    await this.#room.require(0);
    const { owner, pool, priority } = asked;
    const createdAt = Date.now();
    const ids = new Set<string>([batchId]);
    const newId = () => {
      let id = this.#store.newId();
      while (ids.has(id)) id = this.#store.newId();
      ids.add(id);
      return id;
    };
    const texts = new Map<string, Promise<string>>();
    const kept = (sha256: string): Promise<string> => {
      const known =
        texts.get(sha256) ?? this.#contents.text(sha256).then((text) => this.#store.putContent(text));
      texts.set(sha256, known);
      return known;
    };
    const jobs: JobFacts[] = [];
    for (const job of sent.jobs) {
      const jobId = sent.jobs.length === 1 ? batchId : newId();
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
        out: join(this.#home.outputs, batchId, jobId),
        nameTemplate: sent.nameTemplate,
        withPreviews: sent.withPreviews,
        umask: 0o077,
        owner,
        pool,
      });
    }
    const batch: BatchFacts = {
      batchId,
      name: sent.name,
      createdAt,
      count: jobs.length,
      podIds: [],
      onError: sent.onError,
      maxCost: sent.maxCost,
      // biome-ignore lint/suspicious/noThenProperty: no value with it is awaited as one that has a method of this name
      then: 'keep',
      rented: [],
      owner,
      pool,
      priority,
    };
    // A job of an attempt that was cut off before its batch was written is nobody's.
    await this.#store.remove(batchId);
    await this.#store.create(batch, jobs);
    return batch;
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
  async #idOf({ submission }: Submission): Promise<string> {
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
