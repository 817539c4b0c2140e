import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { callObject } from '../src/fleet/engine/ask.ts';
import { handlers, type ObjectContext, object } from '../src/fleet/engine/sdk.ts';
import { startWorker } from '../src/fleet/engine/worker.ts';
import { openFleetHome } from '../src/fleet/home.ts';
import { jobObject } from '../src/fleet/jobs/jobs.ts';
import { POOL_OBJECT } from '../src/fleet/pools/names.ts';
import { poolObject } from '../src/fleet/pools/pool-object.ts';
import { PoolWorks } from '../src/fleet/pools/works.ts';
import type { JobFacts } from '../src/machines/job-types.ts';
import { JobStore } from '../src/store/jobs.ts';
import { Journal } from '../src/store/journal.ts';
import { startTestServer } from '../test/fleet/support/engine.ts';
import { play } from '../test/services/comfyui/support/serve.ts';
import { batchFacts, jobFacts } from '../test/support/job-facts.ts';
import { until } from '../test/support/until.ts';
import { markdown, say } from './report.ts';

/**
 * `npm run bench:fleet-jobs [-- --jobs 10000 --pods 50 --people 5]`: so many jobs of so many people on one pool, from
 * their batches on disk to their files there. Engine, worker, job machine and dispatcher are those of a fleet; RunPod,
 * ssh and the gateway are left out, and the ComfyUIs are simulated, in this process too, and take no time of their own.
 */
const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: '1000' },
    pods: { type: 'string', default: '50' },
    people: { type: 'string', default: '5' },
  },
});
const [JOBS, PODS, PEOPLE] = [values.jobs, values.pods, values.people].map(Number) as [
  number,
  number,
  number,
];
const EACH = Math.floor(JOBS / PEOPLE);
const FILE_BYTES = 4_000;

const world = await startTestServer();
const home = openFleetHome({ root: world.folder });
const store = new JobStore(home);
const comfyuis = await Promise.all(Array.from({ length: PODS }, () => play({ jobMs: 0 })));
const launches: string[] = [];
const podOf = (launchId: string) => launches.indexOf(launchId);
const reach = {
  standing: async () => 'ready' as const,
  way: (podId: string) => comfyuis[Number(podId)]?.way ?? { localPort: 0 },
  about: async () => ({ gpu: 'L4', pricePerHour: 0.5 }),
};
const records = () =>
  Object.fromEntries(
    launches.map((id) => [
      id,
      { facts: { podId: String(podOf(id)), failure: null }, snapshot: { value: 'ready' } },
    ]),
  );
const fleet = {
  pods: { all: async () => records() },
  journal: new Journal(home.journal),
  mayBeSpent: async () => null,
};
const pools = { keep: async () => undefined, forget: async () => undefined };
const works = new PoolWorks({ fleet, store, pools, reach, objectInfos: { learn: () => undefined } } as never);
const env = {
  store,
  pods: reach,
  timings: { jobPollMs: 1_000, jobArrivalMs: 3_000 },
  onProgress: () => undefined,
};
/** Pods are there as soon as they are asked for. */
const pod = object({
  name: 'pod',
  handlers: {
    begin: async (ctx: ObjectContext): Promise<void> => {
      if (!launches.includes(ctx.key)) launches.push(ctx.key);
    },
    ask: handlers.object.exclusive(async (): Promise<void> => undefined),
  },
});
await startWorker({
  places: world.server.places,
  port: 0,
  identityKeys: world.identityKeys,
  durables: [jobObject({ fleet, store, env, progress: new Map(), room: { await: async () => undefined } })],
  objects: [poolObject(works, 250), pod],
});
const call = (handler: string, json: unknown) =>
  callObject(world.server.places, { object: POOL_OBJECT, key: 'bench', handler }, json, {
    timeoutMs: 60_000,
  });

const batchIds = await keepBatches();
const [homeBefore, engineBefore] = [diskOf(home.jobs), diskOf(join(world.folder, 'r', 'data'))];
const wish = {
  owner: 'ann',
  min: PODS,
  max: PODS,
  idleMs: 86_400_000,
  patienceMs: 1_000,
  pod: { image: 'x' },
};
await call('wish', { ...wish, name: 'bench' });
const begunAt = performance.now();
for (const [n, batchId] of batchIds.entries()) {
  const batch = { batchId, owner: `p${n}`, priority: 0, count: EACH, onError: 'go-on', maxCost: null };
  await call('submit', batch);
}
let peak = 0;
await until(
  'all batches are finished',
  async () => {
    peak = Math.max(peak, residentOf(world.server.pid));
    const all = await Promise.all(batchIds.map((id) => store.batchRecord(id)));
    return all.every((batch) => batch?.isFinished);
  },
  3_600_000,
);
const seconds = (performance.now() - begunAt) / 1_000;
const done = await countDone();
const made = comfyuis.flatMap(({ comfyui }) => comfyui.storage.list('output')).length;
const state = JSON.stringify(await call('read', undefined)).length;
say(
  markdown(
    [
      'jobs',
      'pods',
      'done',
      'made',
      'jobs a second',
      'engine, peak',
      'this process',
      'engine’s disk a job',
      'records a job',
      'pool’s state',
    ],
    [
      [
        String(EACH * PEOPLE),
        String(PODS),
        String(done),
        String(made),
        (done / seconds).toFixed(1),
        `${Math.round(peak)} MiB`,
        `${Math.round(process.memoryUsage.rss() / 1024 ** 2)} MiB`,
        `${((diskOf(join(world.folder, 'r', 'data')) - engineBefore) / done / 1024).toFixed(1)} KiB`,
        `${(diskOf(home.jobs) / done / 1024).toFixed(1)} KiB`,
        `${(state / 1024).toFixed(1)} KiB`,
      ],
    ],
  ),
);
say(`Of the records ${(homeBefore / done / 1024).toFixed(1)} KiB a job were there before they began.`);
await world.end();
process.exit(done === EACH * PEOPLE && made === done ? 0 : 1);

/** A batch for each person, whose jobs make a file each. */
async function keepBatches(): Promise<string[]> {
  const ids: string[] = [];
  for (let person = 0; person < PEOPLE; person++) {
    const batchId = store.newId();
    const owner = `p${person}`;
    const jobs: JobFacts[] = [];
    for (let index = 0; index < EACH; index++) {
      const jobId = `${store.newId()}`;
      const inputs = {
        bytes: FILE_BYTES,
        count: 1,
        seconds: 0,
        ext: 'png',
        filename_prefix: jobId,
        seed: index,
      };
      const prompt = await store.putContent(JSON.stringify({ '9': { class_type: 'SimOutput', inputs } }));
      const out = join(home.root, 'outputs', batchId, jobId);
      jobs.push(
        jobFacts({ jobId, batchId, index, prompt, out, owner, pool: 'bench', createdAt: Date.now() }),
      );
    }
    await store.create(
      batchFacts({ batchId, count: EACH, owner, pool: 'bench', createdAt: Date.now() }),
      jobs,
    );
    ids.push(batchId);
  }
  return ids;
}

async function countDone(): Promise<number> {
  let count = 0;
  for await (const { snapshot } of store.all())
    if ((snapshot as { value: string }).value === 'done') count += 1;
  return count;
}

/** MiB (Linux). */
function residentOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

/** Bytes that a folder takes; files end while it is looked through. */
function diskOf(folder: string): number {
  const sizes = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => {
    const file = statSync(join(folder, name), { throwIfNoEntry: false });
    return file?.isFile() ? file.blocks * 512 : 0;
  });
  return sizes.reduce((sum, size) => sum + size, 0);
}
