import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Costs } from '../src/fleet/costs/costs.ts';
import { callObject } from '../src/fleet/engine/ask.ts';
import { handlers, type ObjectContext, object } from '../src/fleet/engine/sdk.ts';
import { startWorker } from '../src/fleet/engine/worker.ts';
import { listen } from '../src/fleet/gateway/http.ts';
import { JobVerbs } from '../src/fleet/gateway/job-verbs.ts';
import { answer } from '../src/fleet/gateway/routes.ts';
import { type FleetHome, openFleetHome } from '../src/fleet/home.ts';
import { JobBook } from '../src/fleet/jobs/book.ts';
import { type FleetJobs, jobObject } from '../src/fleet/jobs/jobs.ts';
import { People } from '../src/fleet/people/people.ts';
import { Owners } from '../src/fleet/policy/owners.ts';
import { POOL_OBJECT } from '../src/fleet/pools/names.ts';
import { poolObject } from '../src/fleet/pools/pool-object.ts';
import { PoolWorks } from '../src/fleet/pools/works.ts';
import type { BatchFacts } from '../src/machines/job-types.ts';
import { JobStore } from '../src/store/jobs.ts';
import { Journal } from '../src/store/journal.ts';
import { startTestServer } from '../test/fleet/support/engine.ts';
import { until } from '../test/support/until.ts';
import { keepBatch, startPods } from './job-work.ts';
import { diskOf, type Quarter, Quarters } from './measure.ts';
import { markdown, median, say } from './report.ts';

/**
 * `npm run bench:fleet-jobs [-- --jobs 10000 --pods 50 --people 5 --batch 2000 --only fleet,local]`: so many jobs of so many
 * people on one pool, from their batches on disk to their files there, quarter by quarter; and as many by this machine's
 * own host. Engine, worker, job machine, dispatcher and gateway are those of a fleet; RunPod and ssh are left out, and the
 * ComfyUIs are simulated in a process of their own.
 */
const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: '1000' },
    pods: { type: 'string', default: '50' },
    people: { type: 'string', default: '5' },
    batch: { type: 'string' },
    only: { type: 'string', default: 'fleet,local' },
  },
});
const [PODS, PEOPLE] = [Number(values.pods), Number(values.people)];
const BATCH = Number(values.batch ?? Number(values.jobs) / PEOPLE);
const BATCHES = Math.floor(Number(values.jobs) / BATCH);
const JOBS = BATCHES * BATCH;
const ASKED_TIMES = 5;

const HEADS: Record<string, string> = {
  jobs: 'GET /v1/jobs',
  costs: 'GET /v1/costs',
  state: 'pool’s state',
  engine: 'engine’s disk a job',
  records: 'records a job, more',
};

const only = values.only.split(',');
const perJob: number[] = [];
if (only.includes('fleet')) perJob.push(await byFleet());
if (only.includes('local')) perJob.push(await locally());
const [fleet, local] = perJob;
if (fleet && local)
  say(`A job of the fleet's takes ${(fleet / local).toFixed(2)} × one of the local host's.`);
process.exit();

/** Milliseconds a job. */
async function byFleet(): Promise<number> {
  const world = await startTestServer();
  const home = openFleetHome({ root: world.folder });
  const store = new JobStore(home, undefined, 3_000);
  const book = new JobBook(store);
  store.onChange = (jobId, record) => book.note(jobId, record);
  const { child, podIds, pods: simulated, made } = await startPods(PODS);
  const launches: string[] = [];
  const records = () => Object.fromEntries(launches.map((id, n) => [id, ready(podIds[n])]));
  const fleet = {
    pods: { all: async () => records() },
    journal: new Journal(home.journal),
    mayBeSpent: async () => null,
  };
  const pools = { keep: async () => undefined, forget: async () => undefined };
  const works = new PoolWorks({
    ...{ fleet, store, pools },
    reach: simulated,
    objectInfos: { learn: () => undefined },
  } as never);
  const env = {
    store,
    pods: simulated,
    timings: { jobPollMs: 1_000, jobArrivalMs: 3_000 },
    onProgress: () => undefined,
  };
  const room = { await: async () => undefined };
  const jobs: FleetJobs = { fleet, store, env, room, progress: new Map() };
  await startWorker({
    places: world.server.places,
    port: 0,
    identityKeys: world.identityKeys,
    durables: [jobObject(jobs)],
    objects: [poolObject(works, 250), podThere(launches)],
  });
  const people = new People(home);
  const none = {} as never;
  const verbs = new JobVerbs({
    ...{ places: world.server.places, jobs, book },
    ...{ pools: none, submissions: none, elsewhere: none },
  });
  const costs = new Costs({
    fleet: await billedFleet(home, podIds),
    seen: billed(podIds),
    jobs: book,
  } as never);
  const joined = {
    ...{ people, jobs: verbs, costs },
    ...{ verbs: none, seen: none, views: none, pools: none, contents: none },
  };
  const log = () => undefined;
  const gateway = await listen(
    { host: '127.0.0.1', port: 0, tls: undefined },
    (asked) => answer({ ...joined, log }, asked),
    { log },
  );
  const { token } = await people.login(await people.invite({ name: 'ann', role: 'admin' }), null);
  const ask = async (path: string): Promise<number> => {
    const begun = performance.now();
    const answered = await fetch(`${gateway.url}${path}`, { headers: { authorization: `Bearer ${token}` } });
    await answered.text();
    if (!answered.ok) throw new Error(`${path}: ${answered.status}`);
    return performance.now() - begun;
  };

  const batches: BatchFacts[] = [];
  for (let n = 0; n < BATCHES; n++)
    batches.push(await keepBatch(store, home, BATCH, { owner: `p${n % PEOPLE}`, pool: 'bench' }));
  const wish = {
    owner: 'ann',
    min: PODS,
    max: PODS,
    idleMs: 86_400_000,
    patienceMs: 1_000,
    pod: { image: 'x' },
  };
  const call = <T>(handler: string, json?: unknown) =>
    callObject<T>(world.server.places, { object: POOL_OBJECT, key: 'bench', handler }, json, {
      timeoutMs: 60_000,
    });
  await call('wish', { ...wish, name: 'bench' });
  const data = join(world.folder, 'r', 'data');
  const [engineBefore, recordsBefore] = [diskOf(data), diskOf(home.jobs)];
  const pids = { worker: process.pid, Restate: world.server.pid, ComfyUIs: child.pid };
  const quarters = new Quarters(JOBS, pids);
  const begunAt = performance.now();
  const submitting = (async () => {
    for (const batch of batches) await verbs.enqueue(batch);
  })();
  await until(
    'all jobs are done',
    async () => {
      const done = (await book.counts(0)).reduce((sum, person) => sum + person.done, 0);
      await quarters.note(done, async () => ({
        state: JSON.stringify(await call('read')).length / 1024,
        engine: (diskOf(data) - engineBefore) / 1024 / done,
        records: (diskOf(home.jobs) - recordsBefore) / 1024 / done,
        jobs: await asked(() => ask('/v1/jobs')),
        costs: await asked(() => ask('/v1/costs?since=0')),
      }));
      return done >= JOBS;
    },
    7_200_000,
  );
  await submitting;
  const seconds = (performance.now() - begunAt) / 1_000;
  say(table(quarters.rows, ['jobs', 'costs', 'state', 'engine', 'records']));
  say(
    `${JOBS} jobs in ${BATCHES} batches on ${PODS} pods: ${(JOBS / seconds).toFixed(1)} a second; ${await made()} files were made. Records took ${(recordsBefore / JOBS / 1024).toFixed(1)} KiB a job before they began.\n`,
  );
  child.disconnect();
  await world.end();
  return perJobOf(quarters.rows);
}

async function locally(): Promise<number> {
  const script = join(import.meta.dirname, 'jobs-locally.ts');
  const child = fork(script, [String(JOBS), String(PODS)], { execArgv: ['--import', 'tsx'] });
  const [{ rows, made, recordBytes }] = (await once(child, 'message')) as [
    { rows: Quarter[]; made: number; recordBytes: number },
  ];
  const seconds = rows.reduce((sum, one) => sum + one.seconds, 0);
  say(table(rows, []));
  say(
    `${JOBS} jobs by the local host: ${(JOBS / seconds).toFixed(1)} a second; ${made} files were made. Records take ${(recordBytes / JOBS / 1024).toFixed(1)} KiB a job.\n`,
  );
  return perJobOf(rows);
}

function perJobOf(rows: Quarter[]): number {
  return (rows.reduce((sum, { seconds }) => sum + seconds, 0) / JOBS) * 1_000;
}

function table(rows: Quarter[], more: string[]): string {
  const first = rows[0];
  const each = ({ seconds, count }: Quarter) => (seconds / count) * 1_000;
  const names = Object.keys(first?.cpu ?? {});
  const unit = (name: string) => (['jobs', 'costs'].includes(name) ? 'ms' : 'KiB');
  return markdown(
    [
      'quarter',
      'a job',
      ': first',
      ...names.flatMap((name) => [`${name}, cpu a job`, `${name}, resident`]),
      ...more.map((name) => HEADS[name] ?? name),
    ],
    rows.map((row, n) => [
      String(n + 1),
      `${each(row).toFixed(1)} ms`,
      `${(each(row) / (first ? each(first) : 1)).toFixed(2)} ×`,
      ...names.flatMap((name) => [
        `${(((row.cpu[name] ?? 0) / row.count) * 1_000).toFixed(1)} ms`,
        `${Math.round(row.resident[name] ?? 0)} MiB`,
      ]),
      ...more.map((name) => `${(row.more[name] ?? 0).toFixed(1)} ${unit(name)}`),
    ]),
  );
}

async function asked(ask: () => Promise<number>): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < ASKED_TIMES; n++) times.push(await ask());
  return median(times);
}

function ready(podId: string | undefined) {
  return { facts: { podId: podId ?? null, failure: null }, snapshot: { value: 'ready' } };
}

async function billedFleet(home: FleetHome, podIds: string[]) {
  const owners = new Owners(home);
  for (const podId of podIds) await owners.note(podId, 'pool bench');
  return { home, owners };
}

/** What RunPod tells, as who serves has it for a while. */
function billed(podIds: string[]) {
  const pods = podIds.map((id) => ({ id, from: 0, to: 0, total: 1, compute: 1 }));
  return { list: async () => [], shared: async () => ({ pods, unbooked: [], isBookRead: true }) };
}

/** Pods are there as soon as they are asked for. */
function podThere(launches: string[]) {
  return object({
    name: 'pod',
    handlers: {
      begin: async (ctx: ObjectContext): Promise<void> => {
        if (!launches.includes(ctx.key)) launches.push(ctx.key);
      },
      ask: handlers.object.exclusive(async (): Promise<void> => undefined),
    },
  });
}
