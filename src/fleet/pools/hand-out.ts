import type { AskRequest, BeginRequest } from '../engine/durable.ts';
import type { ObjectContext } from '../engine/sdk.ts';
import { send } from '../engine/send.ts';
import { JOB_OBJECT } from '../jobs/names.ts';
import { nextJob } from './fair.ts';
import { keyOf, nextInLine, type Place, placeKeyOf, withFirst, withTakenOut } from './lines.ts';
import type { Entry, PoolState } from './pool-types.ts';
import { withGiven, withoutNext } from './turns.ts';
import type { PoolWorks } from './works.ts';

export type Keyed = ObjectContext;

/** Milliseconds that whoever waits for a job does. */
const JOB_MS = 365 * 24 * 3_600_000;

/** Gives jobs to pods as long as there are both, and looks at what stands behind as it becomes the next. */
export async function handOut(
  ctx: Keyed,
  works: PoolWorks,
  begun: PoolState,
  now: number,
): Promise<PoolState> {
  let state = begun;
  for (;;) {
    for (let place = nextInLine(state); place; place = nextInLine(state)) {
      const entry = await ctx.get<Entry>(keyOf(place));
      if (entry) forgetPlace(ctx, place, entry);
      state = withFirst(state, place, entry);
    }
    state = await handOutAhead(ctx, works, state, now);
    if (!nextInLine(state)) return state;
  }
}

/** The pool that looks at a batch, wherever it stands. */
export async function takenOut(ctx: Keyed, state: PoolState, batchId: string): Promise<PoolState> {
  const place = await ctx.get<Place>(placeKeyOf(batchId));
  const entry = place && (await ctx.get<Entry>(keyOf(place)));
  if (!place || !entry) return state;
  forgetPlace(ctx, place, entry);
  return withTakenOut(state, place, entry);
}

function forgetPlace(ctx: Keyed, place: Place, { batchId }: Entry): void {
  ctx.clear(keyOf(place));
  ctx.clear(placeKeyOf(batchId));
}

/** Gives jobs to pods as long as there are both. */
async function handOutAhead(ctx: Keyed, works: PoolWorks, begun: PoolState, now: number): Promise<PoolState> {
  let state = begun;
  for (let next = nextJob(state); next; next = nextJob(state)) {
    const { pod, entry, returned } = next;
    const podId = pod.podId ?? '';
    if (returned) {
      const event = { type: 'pod.given', podId };
      await tellJob(ctx, returned.jobId, event, entry.owner);
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

/** Tells a job something in somebody's name. */
export function tellJob(ctx: Keyed, jobId: string, event: AskRequest['event'], who: string): Promise<void> {
  return tellObject(ctx, { object: JOB_OBJECT, key: jobId }, event, who, JOB_MS);
}

export async function tellObject(
  ctx: Keyed,
  whom: { object: string; key: string },
  event: AskRequest['event'],
  who: string,
  forMs: number,
): Promise<void> {
  const request: AskRequest = { event, asker: { who, until: (await ctx.date.now()) + forMs } };
  send(ctx, { ...whom, handler: 'ask', json: request });
}
