import { UNBEGUN } from '../../jobs/unbegun.ts';
import type { BatchFacts, JobFacts } from '../../machines/job-types.ts';
import type { JobStore } from '../../store/jobs.ts';
import type { Prompt } from '../../workflow/index.ts';
import { type Drafting, draftOf } from './draft.ts';
import type { RunOptions } from './options.ts';
import { promptText } from './prompt-of.ts';
import type { ReadyPod } from './ready-pods.ts';
import { type Asked, countOf, variants } from './variants.ts';

export interface BatchWish {
  /** For people. */
  name: string;
  asked: Asked;
  drafting: Drafting;
  /** Absolute. */
  out: string;
  options: Pick<RunOptions, 'name' | 'previews' | 'onError' | 'maxCost' | 'then'>;
  pods: Pick<ReadyPod, 'podId'>[];
  /** Pods that `then` is about: rented for it, or named. */
  toEnd: string[];
}

/**
 * Writes every job of a run, and then the batch that makes them real; nothing is submitted. `same` is how many jobs are no
 * different from an earlier one.
 */
export async function keepBatch(
  store: Pick<JobStore, 'newId' | 'putContent' | 'create'>,
  wish: BatchWish,
): Promise<{ batch: BatchFacts; same: number }> {
  const { name, asked, drafting, out, options, pods, toEnd } = wish;
  const { base } = drafting;
  const canvas = base.canvas === null ? null : await store.putContent(base.canvas);
  const unchanged = promptText(base.prompt);
  const ids = new Set<string>();
  const newId = () => {
    for (;;) {
      const id = store.newId();
      if (!ids.has(id)) {
        ids.add(id);
        return id;
      }
    }
  };
  const batchId = newId();
  const count = countOf(asked);
  const createdAt = Date.now();
  const titles = titlesOf(base.prompt);
  const jobs: JobFacts[] = [];
  for (const variant of variants(asked)) {
    const draft = await draftOf(drafting, variant);
    const prompt = promptText(draft.prompt);
    jobs.push({
      ...UNBEGUN,
      jobId: count === 1 ? batchId : newId(),
      name: draft.name ?? name,
      batchId,
      index: jobs.length,
      createdAt,
      prompt: await store.putContent(prompt),
      // The editor shows the canvas that a picture carries: one that was changed would not be what ran.
      workflow: prompt === unchanged ? canvas : null,
      changes: draft.changes,
      seeds: draft.seeds,
      inputs: draft.inputs,
      titles,
      out,
      nameTemplate: options.name,
      withPreviews: options.previews === true,
      umask: process.umask(),
    });
  }
  const batch: BatchFacts = {
    batchId,
    name,
    createdAt,
    count,
    podIds: pods.map(({ podId }) => podId),
    onError: options.onError,
    maxCost: options.maxCost ?? null,
    // biome-ignore lint/suspicious/noThenProperty: no value with it is awaited as one that has a method of this name
    then: options.then,
    rented: toEnd,
  };
  await store.create(batch, jobs);
  return { batch, same: jobs.length - new Set(jobs.map((job) => job.prompt)).size };
}

function titlesOf(prompt: Prompt): Record<string, string> {
  return Object.fromEntries(
    Object.entries(prompt).map(([id, node]) => [id, node._meta?.title ?? node.class_type]),
  );
}
