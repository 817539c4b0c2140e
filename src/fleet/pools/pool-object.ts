import type { Failure } from '../../errors.ts';
import type { AskRequest, BeginRequest } from '../engine/durable.ts';
import { handlers, type ObjectContext, type ObjectSharedContext, object } from '../engine/sdk.ts';
import { send } from '../engine/send.ts';
import { JOB_OBJECT } from '../jobs/names.ts';
import { POD_OBJECT } from '../pods/names.ts';
import { nextJob } from './fair.ts';
import { type JobNews, POOL_OBJECT } from './names.ts';
import type { PoolState, PoolWish } from './pool-types.ts';
import { needsLook, resized, withLook, withTrouble } from './size.ts';
import {
  type SubmittedBatch,
  unbegunPool,
  whyNotRun,
  withBatch,
  withGiven,
  withNews,
  withoutEnded,
  withoutNext,
  withPod,
  withWithdrawn,
} from './turns.ts';
import type { PoolWorks } from './works.ts';

/** Jobs that are to be taken back; null for all of the batch. */
export interface CancelRequest {
  batchId: string;
  jobIds: string[] | null;
  who: string;
}

const STATE = 'pool';
/** Milliseconds that a pod has to come up, and that whoever waits for a job does. */
const READY_MS = 30 * 60_000;
const JOB_MS = 365 * 24 * 3_600_000;

type Keyed = ObjectContext;

/**
 * What hands jobs to pods, as virtual object: one key is one pool. It takes one thing after the other, so that no job is
 * given to two pods, and no pod is ended that has just got one. What it has others do, it sends: each word arrives once.
 */
export function poolObject(works: PoolWorks, lookMs: number) {
  const settle = async (ctx: Keyed, begun: PoolState): Promise<PoolState> => {
    const now = await ctx.date.now();
    const given = await handOut(ctx, works, begun, now);
    const { state, ended } = withoutEnded(await resize(ctx, works, given, now));
    if (ended.length > 0) await ctx.run('finish', () => works.finish(ended));
    if (state.isRemoved && state.pods.length === 0) {
      await ctx.run('forget', () => works.forget(ctx.key));
      ctx.clearAll();
      return state;
    }
    const isDue = needsLook(state);
    const look = isDue && !state.isLookDue ? state.look + 1 : state.look;
    if (look !== state.look) {
      send(ctx, { object: POOL_OBJECT, key: ctx.key, handler: 'look', json: look }, lookMs);
    }
    const settled = { ...state, look, isLookDue: isDue };
    ctx.set(STATE, settled);
    return settled;
  };

  const current = (ctx: Keyed) => ctx.get<PoolState>(STATE);

  return object({
    name: POOL_OBJECT,
    handlers: {
      /** Makes the pool, or another one of it. */
      wish: async (ctx: Keyed, wish: PoolWish): Promise<PoolState> => {
        await ctx.run('keep', () => works.keep(wish));
        const before = await current(ctx);
        const { isRemoved: _, ...state } = before ?? unbegunPool(wish);
        return settle(ctx, { ...state, wish, trouble: null });
      },

      /** Has it end its pods, and forgets it then. Its jobs have ended. */
      remove: async (ctx: Keyed): Promise<{ left: number }> => {
        const state = await current(ctx);
        if (!state) return { left: 0 };
        const left = state.entries.reduce((sum, { count, ended }) => sum + count - ended, 0);
        if (left > 0) return { left };
        const wish = { ...state.wish, min: 0, max: 0 };
        await settle(ctx, { ...state, wish, isRemoved: true });
        return { left };
      },

      /** Takes a batch in; one that it has, or had, changes nothing. */
      submit: async (ctx: Keyed, batch: SubmittedBatch): Promise<void> => {
        const state = await current(ctx);
        if (!state || (await ctx.run('known', () => works.isFinished(batch.batchId)))) return;
        await settle(ctx, withBatch(state, batch));
      },

      /** Takes what a job tells. */
      heard: async (ctx: Keyed, news: JobNews): Promise<void> => {
        const before = await current(ctx);
        if (!before) return;
        const state = withNews(before, news, await ctx.date.now());
        await settle(ctx, await withoutRest(ctx, works, state, news));
      },

      /** Takes jobs back: those that pods have are told, the others are over. */
      cancel: async (ctx: Keyed, { batchId, jobIds, who }: CancelRequest): Promise<void> => {
        const before = await current(ctx);
        if (!before) return;
        const begun = [...before.pods.flatMap(({ jobs }) => jobs), ...before.returned].filter(
          (job) => job.batchId === batchId && (jobIds === null || jobIds.includes(job.jobId)),
        );
        const event = { type: 'cancel.requested' };
        for (const { jobId } of begun) await tell(ctx, JOB_OBJECT, jobId, event, who, JOB_MS);
        const { next = 0 } = before.entries.find((entry) => entry.batchId === batchId) ?? {};
        const waiting = await ctx.run('waiting', () => works.waiting(batchId, next, jobIds));
        await ctx.run('leave out', () => works.leaveOut(waiting, null));
        await settle(ctx, withWithdrawn(before, batchId, waiting.length, jobIds === null));
      },

      /** Looks at the pods, again and again as long as there are any or some are waited for. */
      look: handlers.object.exclusive(
        { ingressPrivate: true },
        async (ctx: Keyed, nth: number): Promise<void> => {
          const before = await current(ctx);
          if (before?.look === nth) await look(ctx, { ...before, isLookDue: false });
        },
      ),

      /**
       * As when it is served again: looks at once, and does not rely on a look that was to come. Jobs look where they are,
       * for one that could not be kept has halted.
       */
      wake: async (ctx: Keyed): Promise<void> => {
        const before = await current(ctx);
        if (!before) return;
        for (const { podId, standing, jobs } of before.pods) {
          if (standing === 'leaving' || podId === null) continue;
          const event = { type: 'pod.given', podId };
          for (const { jobId, owner } of jobs) await tell(ctx, JOB_OBJECT, jobId, event, owner, JOB_MS);
        }
        await look(ctx, { ...before, look: before.look + 1, isLookDue: false });
      },

      read: handlers.object.shared(
        async (ctx: ObjectSharedContext): Promise<PoolState | null> => ctx.get<PoolState>(STATE),
      ),
    },
    options: {
      idempotencyRetention: { seconds: 1 },
      journalRetention: { seconds: 1 },
      retryPolicy: { initialInterval: 50, exponentiationFactor: 2, maxInterval: { seconds: 5 } },
    },
  });

  async function look(ctx: Keyed, before: PoolState): Promise<void> {
    const seen = await ctx.run('look', () => works.look(before.wish, before.pods));
    const { state, back, toEnd } = withLook(before, seen, await ctx.date.now());
    for (const jobId of back)
      await tell(ctx, JOB_OBJECT, jobId, { type: 'pod.taken' }, nameOf(state), JOB_MS);
    for (const launchId of toEnd) await end(ctx, launchId, state);
    await settle(ctx, state);
  }
}

/** Gives jobs to pods as long as there are both. */
async function handOut(ctx: Keyed, works: PoolWorks, begun: PoolState, now: number): Promise<PoolState> {
  let state = begun;
  for (let next = nextJob(state); next; next = nextJob(state)) {
    const { pod, entry, returned } = next;
    const podId = pod.podId ?? '';
    if (returned) {
      const event = { type: 'pod.given', podId };
      await tell(ctx, JOB_OBJECT, returned.jobId, event, entry.owner, JOB_MS);
      state = withGiven(state, next, returned.jobId, now);
      continue;
    }
    const { batchId, owner } = entry;
    const found = await ctx.run('next', () => works.next(batchId, entry.next));
    state = withoutNext(state, batchId, found);
    if (!found.facts) continue;
    const { jobId } = found.facts;
    const request: BeginRequest = {
      input: { facts: { ...found.facts, podId } },
      asker: { who: owner, until: now + JOB_MS },
    };
    send(ctx, { object: JOB_OBJECT, key: jobId, handler: 'begin', json: request });
    state = withGiven(state, next, jobId, now);
  }
  return state;
}

/** Has as many pods made or ended as the work asks for. */
async function resize(ctx: Keyed, works: PoolWorks, begun: PoolState, now: number): Promise<PoolState> {
  let state = begun;
  const { toMake, toEnd } = resized(state, now);
  for (const launchId of toEnd) {
    await end(ctx, launchId, state);
    state = withPod(state, launchId, (pod) => ({ ...pod, standing: 'leaving' }));
  }
  for (let made = 0; made < toMake; made++) {
    const refusal: Failure | null = await ctx.run('may be spent', () => works.mayBeSpent(state.wish));
    if (refusal) return withTrouble(state, refusal, now);
    const facts = await ctx.run('launch', async () => works.launch(state.wish));
    const { launchId } = facts;
    const until = now + READY_MS;
    const request: BeginRequest = {
      input: { facts, readyBy: until },
      asker: { who: nameOf(state), until },
    };
    send(ctx, { object: POD_OBJECT, key: launchId, handler: 'begin', json: request });
    const pod = { launchId, podId: null, begunAt: now, standing: 'coming' as const, jobs: [], busyAt: now };
    state = { ...state, pods: [...state.pods, pod] };
  }
  return state;
}

/** Leaves out what no pod has of a batch that has failed, or cost enough. */
async function withoutRest(
  ctx: Keyed,
  works: PoolWorks,
  state: PoolState,
  news: JobNews,
): Promise<PoolState> {
  const entry = state.entries.find(({ batchId }) => batchId === news.batchId);
  const why = news.what === 'ended' && entry && entry.next < entry.count && whyNotRun(entry, news);
  if (!why) return state;
  const { batchId, next } = entry;
  const waiting = await ctx.run('waiting', () => works.waiting(batchId, next, null));
  await ctx.run('leave out', () => works.leaveOut(waiting, { code: 'jobNotRun', detail: why }));
  return withWithdrawn(state, batchId, waiting.length, true);
}

function end(ctx: Keyed, launchId: string, state: PoolState): Promise<void> {
  return tell(ctx, POD_OBJECT, launchId, { type: 'terminate.requested' }, nameOf(state), READY_MS);
}

async function tell(
  ctx: Keyed,
  to: string,
  key: string,
  event: AskRequest['event'],
  who: string,
  forMs: number,
): Promise<void> {
  const request: AskRequest = { event, asker: { who, until: (await ctx.date.now()) + forMs } };
  send(ctx, { object: to, key, handler: 'ask', json: request });
}

/** As the journal and the pods' owner name a pool: no person is called so. */
function nameOf({ wish: { name } }: PoolState): string {
  return `pool ${name}`;
}
