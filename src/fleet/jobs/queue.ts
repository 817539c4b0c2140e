import type { JobTimings } from '../../jobs/environment.ts';
import type { JobProgress } from '../../machines/job-types.ts';
import type { Home } from '../../store/home.ts';
import { JobStore } from '../../store/jobs.ts';
import { Costs } from '../costs/costs.ts';
import { callObject, type Places } from '../engine/ask.ts';
import type { JobRoutesContext } from '../gateway/job-routes.ts';
import { JobVerbs } from '../gateway/job-verbs.ts';
import { PoolVerbs } from '../gateway/pool-verbs.ts';
import type { Seen } from '../gateway/seen.ts';
import type { Fleet } from '../pods/fleet.ts';
import { POOL_OBJECT } from '../pools/names.ts';
import { poolObject } from '../pools/pool-object.ts';
import { Pools } from '../pools/pools.ts';
import { PoolWorks } from '../pools/works.ts';
import { Buckets } from '../storage/buckets.ts';
import { keepFiles, storageTimingsFrom } from '../storage/keep-files.ts';
import { Room } from '../storage/room.ts';
import { Settings } from '../storage/settings.ts';
import { JobBook } from './book.ts';
import { Contents } from './contents.ts';
import { type FleetJobs, jobObject } from './jobs.ts';
import { ObjectInfos } from './object-infos.ts';
import { Reach } from './reach.ts';
import { Submissions } from './submissions.ts';

interface QueueOptions {
  /** The server's user's own, beside the fleet's. */
  user: Pick<Home, 'root'>;
  seen: Seen;
  places: Places;
  env: NodeJS.ProcessEnv;
  boxMs: number | undefined;
}

const TIMINGS: JobTimings = { jobPollMs: 2_000, jobArrivalMs: 3_000 };

/** Who serves a fleet is alone with its jobs, but for the moment of an upgrade. */
const LINGER_MS = 3_000;

/** All that a fleet's jobs and pools are joined to: what the worker serves of them, and what the gateway answers with. */
export function queueOf(fleet: Fleet, { user, seen, places, env, boxMs }: QueueOptions) {
  const { home, log } = fleet;
  const aside = (from: string, to: string) => log(`${from} cannot be read; it is set aside as ${to}`);
  const store = new JobStore(home, aside, LINGER_MS);
  const book = new JobBook(store);
  store.onChange = (jobId, record) => book.note(jobId, record);
  const reach = new Reach(fleet, seen);
  const progress = new Map<string, JobProgress>();
  const settings = new Settings(home);
  const buckets = new Buckets(user);
  const room = new Room(home, settings);
  const jobs: FleetJobs = {
    fleet,
    store,
    progress,
    room,
    env: {
      store,
      pods: reach,
      timings: timingsFrom(env),
      onProgress: (jobId, how) => {
        if (how) progress.set(jobId, how);
        else progress.delete(jobId);
      },
    },
  };
  const pools = new Pools(home);
  const contents = new Contents(home, room);
  const objectInfos = new ObjectInfos(home, log);
  const submissions = new Submissions(home, store, contents, room);
  const works = new PoolWorks({ fleet, store, pools, reach, objectInfos });
  const elsewhere = { settings, buckets, log };
  const verbs = new JobVerbs({ places, jobs, book, pools, submissions, elsewhere });
  const routes: JobRoutesContext = {
    jobs: verbs,
    pools: new PoolVerbs({ places, pools, objectInfos }),
    contents,
    costs: new Costs({ fleet, seen, jobs: book }),
  };
  return {
    durable: jobObject(jobs, boxMs),
    pool: poolObject(works, fleet.timings.podPollMs),
    routes,
    /** Brings files where they belong, and removes what is kept no longer, until the signal. */
    keepFiles: (signal: AbortSignal): Promise<void> =>
      keepFiles({ fleet, store, settings, buckets }, storageTimingsFrom(env), signal),
    /** Has batches that were written and not told to their pool be told; and pools look at once, unless all has gone on. */
    takeUp: async (isHandedOver: boolean): Promise<void> => {
      for (const { name } of isHandedOver ? [] : await pools.all())
        await callObject(places, { object: POOL_OBJECT, key: name, handler: 'wake' }, undefined);
      for (const batchId of await store.batchIds()) {
        const record = await store.batchRecord(batchId).catch(() => undefined);
        if (record && !record.isFinished) await verbs.enqueue(record.facts);
      }
      // Whoever asks for what is in it reads it as well, and is told why not.
      void book.read().catch(() => undefined);
    },
    /** Reads again what another process may have written. */
    lookAgain: async (): Promise<void> => {
      for (const id of await book.going()) {
        const record = await store.get(id).catch(() => undefined);
        if (record) book.note(id, record);
      }
    },
  };
}

/** As of the keeper, whose waits they are on one machine. */
function timingsFrom(env: NodeJS.ProcessEnv): JobTimings {
  const given = JSON.parse(env.AUTOPOD_KEEPER_TIMINGS ?? '{}') as Partial<JobTimings>;
  const { jobPollMs = TIMINGS.jobPollMs, jobArrivalMs = TIMINGS.jobArrivalMs } = given;
  return { jobPollMs, jobArrivalMs };
}
