import { Readable } from 'node:stream';
import type { Costs } from '../costs/costs.ts';
import { type Contents, MOST_BYTES } from '../jobs/contents.ts';
import type { PoolRequest, RetryRequest, SubmitRequest } from '../wire-jobs.ts';
import { Bytes } from './bytes.ts';
import { refused } from './http-words.ts';
import { poolName, poolRequest, retryRequest, sha256, submitRequest } from './job-shapes.ts';
import type { JobVerbs } from './job-verbs.ts';
import type { PoolVerbs } from './pool-verbs.ts';
import type { Route } from './route.ts';
import { shaped } from './shapes.ts';

/** What the routes of jobs and pools are joined to. */
export interface JobRoutesContext {
  jobs: JobVerbs;
  pools: PoolVerbs;
  contents: Contents;
  costs: Costs;
}

/** Bytes of a piece: one takes the seconds of a request also from a slow line. */
const PIECE_BYTES = 1 << 20;

/** Jobs, their files, and the pools that work on them. */
export const JOB_ROUTES: Record<string, Route<JobRoutesContext>> = {
  'GET /v1/jobs': {
    role: 'viewer',
    run: ({ jobs }, { query }) => {
      // A name with letters that no path of ours has.
      const named = query.get('named');
      return named === null ? jobs.list(query.get('all') === '1') : jobs.job(named);
    },
  },
  'GET /v1/jobs/*': { role: 'viewer', run: ({ jobs }, { named }) => jobs.job(named) },
  'POST /v1/jobs/*/*': {
    role: 'member',
    run: async ({ jobs }, { person, named, verb, body }) => {
      if (verb === 'retry')
        return jobs.retry(person, named, shaped(retryRequest, await body()) as RetryRequest);
      if (verb !== 'cancel') throw refused(404, 'there is nothing there');
      return jobs.cancel(person, named);
    },
  },
  'POST /v1/batches': {
    role: 'member',
    run: async ({ jobs }, { person, body }) =>
      jobs.submit(person, shaped(submitRequest, await body()) as SubmitRequest),
  },
  'GET /v1/batches/*': { role: 'viewer', run: ({ jobs }, { named }) => jobs.batch(named) },
  'GET /v1/batches/*/*': {
    role: 'viewer',
    run: async ({ jobs }, { named, verb, query }) => {
      if (verb !== 'jobs') throw refused(404, 'there is nothing there');
      return { jobs: await jobs.ofBatch(named, whole(query.get('from') ?? '0')) };
    },
  },
  'GET /v1/files/*/*': {
    role: 'member',
    run: ({ jobs }, { named, verb, range, signal }) => jobs.file(named, whole(verb), range, signal),
  },
  'GET /v1/contents/*': {
    role: 'member',
    run: ({ contents }, { named }) => contents.standing(shaped(sha256, named)),
  },
  'POST /v1/contents/*': {
    role: 'member',
    run: async ({ contents }, { named, query, bytes }) => {
      const offset = whole(query.get('offset') ?? '0');
      const of = whole(query.get('of') ?? '0');
      if (of > MOST_BYTES) throw refused(413, `a file has at most ${MOST_BYTES} bytes`);
      return contents.take(shaped(sha256, named), { offset, of }, await bytes(PIECE_BYTES));
    },
  },
  'GET /v1/pools': { role: 'viewer', run: async ({ pools }) => ({ pools: await pools.list() }) },
  'GET /v1/pools/*': { role: 'viewer', run: ({ pools }, { named }) => pools.info(named) },
  'POST /v1/pools/*': {
    role: 'member',
    run: async ({ pools }, { person, named, body }) =>
      pools.set(person, shaped(poolName, named), shaped(poolRequest, await body()) as PoolRequest),
  },
  'POST /v1/pools/*/*': {
    role: 'member',
    run: async ({ pools }, { person, named, verb }) => {
      if (verb !== 'remove') throw refused(404, 'there is nothing there');
      return pools.remove(person, named);
    },
  },
  'GET /v1/pools/*/*': {
    role: 'member',
    run: async ({ pools }, { named, verb }) => {
      if (verb !== 'object_info') throw refused(404, 'there is nothing there');
      const text = Buffer.from((await pools.objectInfo(named)) ?? 'null');
      const headers = { 'content-type': 'application/json', 'content-length': text.length };
      return new Bytes(200, headers, Readable.from([text]));
    },
  },
  'GET /v1/costs': {
    role: 'viewer',
    run: ({ costs }, { query }) => costs.since(whole(query.get('since') ?? '0')),
  },
  'GET /v1/bills': {
    role: 'viewer',
    run: ({ costs }, { query }) => costs.bills(whole(query.get('since') ?? '0')),
  },
};

function whole(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw refused(400, `“${text.slice(0, 20)}” is no whole number`);
}
