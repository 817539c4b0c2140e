import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { BatchFacts, JobFacts } from '../src/machines/job-types.ts';
import type { Home } from '../src/store/home.ts';
import type { JobStore } from '../src/store/jobs.ts';
import { batchFacts, jobFacts } from '../test/support/job-facts.ts';

const FILE_BYTES = 4_000;

/** The same work for every host: jobs that make a file each, on ComfyUIs that take no time. */
export interface Pods {
  child: ChildProcess & { pid: number };
  podIds: string[];
  pods: {
    standing: () => Promise<'ready'>;
    way: (podId: string) => { localPort: number };
    about: () => Promise<{ gpu: string; pricePerHour: number }>;
  };
  /** Files that they have made. */
  made: () => Promise<number>;
}

export async function startPods(count: number): Promise<Pods> {
  const script = join(import.meta.dirname, 'many-comfyuis.ts');
  const child = fork(script, [String(count)], { execArgv: ['--import', 'tsx'] }) as Pods['child'];
  const [{ ports }] = (await once(child, 'message')) as [{ ports: number[] }];
  return {
    child,
    podIds: ports.map((_, n) => String(n)),
    pods: {
      standing: async () => 'ready',
      way: (podId) => ({ localPort: ports[Number(podId)] ?? 0 }),
      about: async () => ({ gpu: 'L4', pricePerHour: 0.5 }),
    },
    made: async () => {
      const answer = once(child, 'message');
      child.send({});
      return ((await answer) as [{ made: number }])[0].made;
    },
  };
}

/** A batch of a person's on disk. */
export async function keepBatch(
  store: JobStore,
  { root }: Pick<Home, 'root'>,
  count: number,
  more: Partial<BatchFacts>,
): Promise<BatchFacts> {
  const batchId = store.newId();
  const { owner, pool } = more;
  const jobs: JobFacts[] = [];
  for (let index = 0; index < count; index++) {
    const jobId = store.newId();
    const named = {
      bytes: FILE_BYTES,
      count: 1,
      seconds: 0,
      ext: 'png',
      filename_prefix: jobId,
      seed: index,
    };
    const prompt = await store.putContent(
      JSON.stringify({ '9': { class_type: 'SimOutput', inputs: named } }),
    );
    const out = join(root, 'outputs', batchId, jobId);
    const whose = { ...(owner !== undefined && { owner }), ...(pool !== undefined && { pool }) };
    jobs.push(jobFacts({ jobId, batchId, index, prompt, out, createdAt: Date.now(), ...whose }));
  }
  const batch = batchFacts({ batchId, count, createdAt: Date.now(), ...more });
  await store.create(batch, jobs);
  return batch;
}
