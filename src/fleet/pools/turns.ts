import { letIn, meanMs, type NextJob } from './fair.ts';
import type { JobNews } from './names.ts';
import type { Assigned, Entry, PoolPod, PoolState, PoolWish } from './pool-types.ts';

// How a pool goes from one state to the next when something is asked of it or told to it. Nothing here acts.

export function unbegunPool(wish: PoolWish): PoolState {
  return {
    wish,
    entries: [],
    returned: [],
    pods: [],
    had: {},
    ran: { jobs: 0, ms: 0 },
    orders: 0,
    trouble: null,
    look: 0,
    isLookDue: false,
  };
}

export type SubmittedBatch = Pick<Entry, 'batchId' | 'owner' | 'priority' | 'count' | 'onError' | 'maxCost'>;

/** Takes a batch in, once. */
export function withBatch(state: PoolState, batch: SubmittedBatch): PoolState {
  if (state.entries.some(({ batchId }) => batchId === batch.batchId)) return state;
  return { ...letInto(state, batch.owner), entries: [...state.entries, entryOf(state, batch)] };
}

/** A batch of which nothing has been handed over. */
export function entryOf({ orders }: PoolState, batch: SubmittedBatch): Entry {
  return { ...batch, order: orders, next: 0, withdrawn: 0, ended: 0, usd: 0, ran: 0 };
}

/** The pool once somebody has come in with one more batch. */
export function letInto(state: PoolState, owner: string): PoolState {
  return { ...state, had: letIn(state, owner), orders: state.orders + 1 };
}

/** A pod has a job from now on; its owner is charged for what jobs take here. */
export function withGiven(
  state: PoolState,
  { pod, entry, returned }: NextJob,
  jobId: string,
  now: number,
): PoolState {
  const { batchId, owner } = entry;
  const job: Assigned = { jobId, batchId, owner, isAtComfy: true, chargedMs: meanMs(state.ran) };
  const given = charged(
    withPod(state, pod.launchId, (one) => ({ ...one, busyAt: now, jobs: [...one.jobs, job] })),
    owner,
    job.chargedMs,
  );
  if (!returned) return withEntry(given, batchId, (one) => ({ ...one, next: one.next + 1 }));
  return { ...given, returned: state.returned.filter((one) => one.jobId !== returned.jobId) };
}

/** The batch's next jobs were over before a pod could get them; `lost` of them cannot even be read, and count as ended. */
export function withoutNext(
  state: PoolState,
  batchId: string,
  { over, lost }: { over: number; lost: number },
): PoolState {
  return withEntry(state, batchId, (entry) => ({
    ...entry,
    next: entry.next + over + lost,
    withdrawn: Math.max(0, entry.withdrawn - over),
    ended: entry.ended + lost,
  }));
}

/** So many jobs of a batch that no pod had are over; with `isAll` no further one of it is handed over. */
export function withWithdrawn(state: PoolState, batchId: string, jobs: number, isAll = false): PoolState {
  return withEntry(state, batchId, (entry) => ({
    ...entry,
    ended: entry.ended + jobs,
    ...(isAll ? { next: entry.count, withdrawn: 0 } : { withdrawn: entry.withdrawn + jobs }),
  }));
}

/** What a job has told; told again it changes nothing. */
export function withNews(state: PoolState, news: JobNews, now: number): PoolState {
  const { jobId, batchId, what, ranMs, usd } = news;
  const pod = state.pods.find(({ jobs }) => jobs.some((job) => job.jobId === jobId));
  const job = pod?.jobs.find((one) => one.jobId === jobId);
  const isReturned = state.returned.some((one) => one.jobId === jobId);
  if (!job && !(isReturned && what === 'ended')) return state;
  const left = !pod
    ? state
    : withPod(state, pod.launchId, (one) => ({
        ...one,
        busyAt: now,
        jobs: one.jobs.flatMap((each) => {
          if (each.jobId !== jobId) return [each];
          return what === 'made' ? [{ ...each, isAtComfy: false }] : [];
        }),
      }));
  if (what === 'made') return left;
  const free = job ? charged(left, job.owner, -job.chargedMs) : left;
  if (what === 'back') return { ...free, returned: [...free.returned, { jobId, batchId }] };
  const isRan = ranMs !== null;
  const told = job && isRan ? charged(free, job.owner, ranMs) : free;
  return withEntry(
    {
      ...told,
      returned: told.returned.filter((one) => one.jobId !== jobId),
      ran: isRan ? { jobs: told.ran.jobs + 1, ms: told.ran.ms + ranMs } : told.ran,
    },
    batchId,
    (entry) => ({
      ...entry,
      ended: entry.ended + 1,
      usd: entry.usd + (usd ?? 0),
      ran: entry.ran + (isRan ? 1 : 0),
    }),
  );
}

/** Why the jobs of a batch that no pod has are not to be run after what one has told; undefined as long as they are. */
export function whyNotRun(
  { onError, maxCost, usd }: Entry,
  { state, jobId, podId, ranMs, usd: cost }: JobNews,
): Record<string, string | number> | undefined {
  if (onError === 'stop' && state === 'failed') return { reason: 'onError', jobId };
  if (maxCost === null) return undefined;
  // What the batch costs is not known any more.
  if (ranMs !== null && cost === null) return { reason: 'noPrice', podId: podId ?? '', maxCost };
  return usd >= maxCost ? { reason: 'maxCost', usd, maxCost } : undefined;
}

/** Batches that have nothing left; with the state without them. */
export function withoutEnded(state: PoolState): { state: PoolState; ended: string[] } {
  const isOver = ({ ended, count }: Entry) => ended >= count;
  const ended = state.entries.filter(isOver).map(({ batchId }) => batchId);
  if (ended.length === 0) return { state, ended };
  return { state: { ...state, entries: state.entries.filter((entry) => !isOver(entry)) }, ended };
}

export function withPod(state: PoolState, launchId: string, change: (pod: PoolPod) => PoolPod): PoolState {
  return { ...state, pods: state.pods.map((pod) => (pod.launchId === launchId ? change(pod) : pod)) };
}

function withEntry(state: PoolState, batchId: string, change: (entry: Entry) => Entry): PoolState {
  return {
    ...state,
    entries: state.entries.map((entry) => (entry.batchId === batchId ? change(entry) : entry)),
  };
}

function charged(state: PoolState, owner: string, ms: number): PoolState {
  return { ...state, had: { ...state.had, [owner]: (state.had[owner] ?? 0) + ms } };
}
