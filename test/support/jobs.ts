import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { ComfyUi } from '../../sim/comfyui/comfyui.ts';
import { type KeeperClient, keeperClient } from '../../src/keeper/client.ts';
import type { BatchFacts, JobFacts } from '../../src/machines/job-types.ts';
import { describeHome } from '../../src/store/home.ts';
import { hasEnded, jobState } from '../../src/store/job-record.ts';
import { JobStore } from '../../src/store/jobs.ts';
import { batchFacts, jobFacts } from './job-facts.ts';
import { until } from './until.ts';
import { startWorld, type TestWorld } from './world.ts';

export interface Asked {
  /** How long ComfyUI is at each. */
  seconds?: number;
  bytes?: number;
  /** Files each job makes. */
  files?: number;
  batch?: Partial<BatchFacts>;
  job?: (index: number) => Partial<JobFacts>;
  /** The prompt of a job, if not one that makes files. */
  prompt?: (index: number, jobId: string) => object;
}

/** Jobs of one batch in a simulated world, as `run` would have them made. */
export interface Batch {
  batchId: string;
  jobIds: string[];
  out: string;
  store: JobStore;
  keeper: KeeperClient;
  heed(): Promise<void>;
  facts(): Promise<JobFacts[]>;
  /** State by state of its jobs, in their order. */
  states(): Promise<string[]>;
  ended(withinMs?: number): Promise<void>;
}

/** A world whose jobs take no time of their own, and whose keeper looks often. */
export async function startJobsWorld(): Promise<TestWorld> {
  const world = await startWorld({ comfyui: { jobMs: 0 } });
  world.env.AUTOPOD_KEEPER_TIMINGS = JSON.stringify({
    autoStopLookMs: 200,
    jobPollMs: 200,
    jobArrivalMs: 600,
    podPollMs: 200,
  });
  return world;
}

export async function batchAt(
  world: TestWorld,
  podIds: string[],
  count: number,
  { seconds = 0, bytes = 4_000, files = 1, batch = {}, job = () => ({}), prompt }: Asked = {},
): Promise<Batch> {
  const home = describeHome(world.home);
  const store = new JobStore(home);
  const keeper = keeperClient(home, world.env);
  const batchId = store.newId();
  const out = join(world.home, 'made', batchId);
  const jobs: JobFacts[] = [];
  for (let index = 0; index < count; index++) {
    const jobId = store.newId();
    const inputs = { bytes, count: files, seconds, ext: 'png', filename_prefix: jobId, seed: index };
    const made = prompt?.(index, jobId) ?? { '9': { class_type: 'SimOutput', inputs } };
    const sha256 = await store.putContent(JSON.stringify(made));
    jobs.push(jobFacts({ jobId, batchId, index, createdAt: Date.now(), prompt: sha256, out, ...job(index) }));
  }
  await store.create(batchFacts({ batchId, count, podIds, createdAt: Date.now(), ...batch }), jobs);
  const jobIds = jobs.map(({ jobId }) => jobId);
  const records = () => Promise.all(jobIds.map(async (id) => await store.get(id)));
  const account = { apiUrl: world.simulator.url, apiKey: world.env.RUNPOD_API_KEY };
  return {
    batchId,
    jobIds,
    out,
    store,
    keeper,
    heed: () => keeper.heedBatch(batchId, account),
    facts: async () => (await records()).flatMap((record) => (record ? [record.facts] : [])),
    states: async () => (await records()).map((record) => (record ? jobState(record) : 'missing')),
    ended: async (withinMs = 60_000) => {
      await until(
        'every job has ended',
        async () => (await records()).every((record) => record && hasEnded(record)),
        withinMs,
      ).catch(async (error: Error) => {
        const states = (await records()).map((record) => record && jobState(record));
        throw new Error(`${error.message}: ${states.join(' ')}`);
      });
    },
  };
}

/** What becomes of the pods of a batch. */
export function afterwards(then: BatchFacts['then'], rented: string[]): Partial<BatchFacts> {
  return { then, rented };
}

/** Pods that are ready, each with its tunnel. */
export async function podsReady(world: TestWorld, count: number): Promise<string[]> {
  for (let n = 0; n < count; n++) {
    const run = await world.autopod(['up', '--new', '--yes', '--local-port', 'auto']);
    if (run.code !== 0) throw new Error(run.stderr);
  }
  return world.podIds();
}

/** The ComfyUI of a pod, from outside. */
export function comfyOf(world: TestWorld, podId: string): ComfyUi {
  return world.simulator.world.pod(podId).comfyui;
}

/** How often each job was run to its end, by what all ComfyUIs have on their disks. */
export function timesMade(world: TestWorld, podIds: string[], jobIds: string[]): number[] {
  const made = podIds.flatMap((podId) => comfyOf(world, podId).storage.list('output'));
  return jobIds.map((id) => made.filter((path) => path.startsWith(`${id}_`)).length);
}

/** The files in a batch's folder, sidecars left out, and those that its jobs tell of. */
export async function filesHere(batch: Batch): Promise<{ here: string[]; told: string[] }> {
  const facts = await batch.facts();
  const told = facts.flatMap(({ outputs }) => (outputs ?? []).map(({ path }) => String(path)));
  const here = readdirSync(batch.out, { recursive: true })
    .map((name) => join(batch.out, String(name)))
    .filter((path) => !path.endsWith('.json'));
  return { here: here.toSorted(), told: told.toSorted() };
}

/** Every job has its files here exactly once, whole and no others. */
export async function expectOneSet(batch: Batch, files = 1): Promise<void> {
  const { here, told } = await filesHere(batch);
  expect(told).toHaveLength(batch.jobIds.length * files);
  expect(here).toEqual(told);
}
