import type { Failure } from '../../errors.ts';
import { UNTIL_DONE } from '../engine/again.ts';
import type { BeginRequest } from '../engine/durable.ts';
import { handlers, type ObjectSharedContext, object } from '../engine/sdk.ts';
import { send } from '../engine/send.ts';
import { POD_OBJECT } from '../pods/names.ts';
import { unendedBy } from './fair.ts';
import { handOut, type Keyed, takenOut, tellJob, tellObject } from './hand-out.ts';
import { keyOf, placeKeyOf, withBehind } from './lines.ts';
import { type JobNews, POOL_OBJECT } from './names.ts';
import type { PoolState, PoolWish } from './pool-types.ts';
import { needsLook, resized, withLook, withTrouble } from './size.ts';
import {
  type SubmittedBatch,
  unbegunPool,
  whyNotRun,
  withBatch,
  withNews,
  withoutEnded,
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

/** Jobs that are over, as no pod gets them any more. */
interface LeaveRequest {
  jobIds: string[];
  failure: Failure | null;
}

const STATE = 'pool';
const LEFT_AT_ONCE = 200;
/** Milliseconds that a pod has to come up. */
const READY_MS = 30 * 60_000;

/**
 * What hands jobs to pods, as virtual object: one key is one pool. It takes one thing after the other, so that no job is
 * given to two pods, and no pod is ended that has just got one. What it has others do, it sends: each word arrives once.
 */
export function poolObject(works: PoolWorks, lookMs: number) {
  const settle = async (ctx: Keyed, begun: PoolState, at?: number): Promise<PoolState> => {
    const now = at ?? (await ctx.date.now());
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
        const left = Object.values(unendedBy(state)).reduce((sum, jobs) => sum + jobs, 0);
        if (left > 0) return { left };
        const wish = { ...state.wish, min: 0, max: 0 };
        await settle(ctx, { ...state, wish, isRemoved: true });
        return { left };
      },

      /** Takes a batch in; one that it has, or had, changes nothing. */
      submit: async (ctx: Keyed, batch: SubmittedBatch): Promise<void> => {
        const state = await current(ctx);
        if (!state || (await ctx.get(placeKeyOf(batch.batchId)))) return;
        if (await ctx.run('known', () => works.isFinished(batch.batchId))) return;
        const behind = state.entries.some(({ batchId }) => batchId === batch.batchId)
          ? undefined
          : withBehind(state, batch);
        if (behind) {
          ctx.set(keyOf(behind.place), behind.entry);
          ctx.set(placeKeyOf(batch.batchId), behind.place);
        }
        await settle(ctx, behind?.state ?? withBatch(state, batch));
      },

      /** Takes what a job tells. */
      heard: async (ctx: Keyed, news: JobNews): Promise<void> => {
        const before = await current(ctx);
        if (!before) return;
        const now = await ctx.date.now();
        const state = withNews(before, news, now);
        await settle(ctx, await withoutRest(ctx, works, state, news), now);
      },

      /** Takes jobs back: those that pods have are told, the others are over. */
      cancel: async (ctx: Keyed, { batchId, jobIds, who }: CancelRequest): Promise<void> => {
        const known = await current(ctx);
        if (!known) return;
        const before = await takenOut(ctx, known, batchId);
        const begun = [...before.pods.flatMap(({ jobs }) => jobs), ...before.returned].filter(
          (job) => job.batchId === batchId && (jobIds === null || jobIds.includes(job.jobId)),
        );
        const event = { type: 'cancel.requested' };
        for (const { jobId } of begun) await tellJob(ctx, jobId, event, who);
        const { next = 0 } = before.entries.find((entry) => entry.batchId === batchId) ?? {};
        const waiting = await ctx.run('waiting', () => works.waiting(batchId, next, jobIds));
        // Of those that are named others may be handed over at once; of all none is any more.
        if (jobIds !== null) await ctx.run('leave out', () => works.leaveOut(waiting, null));
        else leaveLater(ctx, waiting, null);
        await settle(ctx, withWithdrawn(before, batchId, waiting.length, jobIds === null));
      },

      /** Has jobs end that nothing hands over any more, beside all else. */
      leave: handlers.object.shared(
        { ingressPrivate: true },
        async (ctx: ObjectSharedContext, { jobIds, failure }: LeaveRequest): Promise<void> => {
          await ctx.run('leave out', () => works.leaveOut(jobIds, failure));
        },
      ),

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
          for (const { jobId, owner } of jobs) await tellJob(ctx, jobId, event, owner);
        }
        await look(ctx, { ...before, look: before.look + 1, isLookDue: false });
      },

      read: handlers.object.shared(
        async (ctx: ObjectSharedContext): Promise<PoolState | null> => ctx.get<PoolState>(STATE),
      ),
    },
    options: {
      // What stands in line is kept with it, and read place by place.
      enableLazyState: true,
      idempotencyRetention: { seconds: 1 },
      journalRetention: { seconds: 1 },
      retryPolicy: UNTIL_DONE,
    },
  });

  async function look(ctx: Keyed, before: PoolState): Promise<void> {
    const seen = await ctx.run('look', () => works.look(before.wish, before.pods));
    const { state, back, toEnd } = withLook(before, seen, await ctx.date.now());
    for (const jobId of back) await tellJob(ctx, jobId, { type: 'pod.taken' }, nameOf(state));
    for (const launchId of toEnd) await end(ctx, launchId, state);
    await settle(ctx, state);
  }
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
  leaveLater(ctx, waiting, { code: 'jobNotRun', detail: why });
  return withWithdrawn(state, batchId, waiting.length, true);
}

/** Records are written some at a time, while the pool goes on. */
function leaveLater(ctx: Keyed, jobIds: string[], failure: Failure | null): void {
  for (let from = 0; from < jobIds.length; from += LEFT_AT_ONCE) {
    const json: LeaveRequest = { jobIds: jobIds.slice(from, from + LEFT_AT_ONCE), failure };
    send(ctx, { object: POOL_OBJECT, key: ctx.key, handler: 'leave', json });
  }
}

function end(ctx: Keyed, launchId: string, state: PoolState): Promise<void> {
  const whom = { object: POD_OBJECT, key: launchId };
  return tellObject(ctx, whom, { type: 'terminate.requested' }, nameOf(state), READY_MS);
}

/** As the journal and the pods' owner name a pool: no person is called so. */
function nameOf({ wish: { name } }: PoolState): string {
  return `pool ${name}`;
}
