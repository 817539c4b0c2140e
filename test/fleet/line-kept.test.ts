import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { callObject, tellObject } from '../../src/fleet/engine/ask.ts';
import type { BeginRequest } from '../../src/fleet/engine/durable.ts';
import { handlers, type ObjectContext, object } from '../../src/fleet/engine/sdk.ts';
import { send } from '../../src/fleet/engine/send.ts';
import { startWorker } from '../../src/fleet/engine/worker.ts';
import { type JobNews, POOL_OBJECT } from '../../src/fleet/pools/names.ts';
import { poolObject } from '../../src/fleet/pools/pool-object.ts';
import type { PoolPod, PoolState, PoolWish } from '../../src/fleet/pools/pool-types.ts';
import type { PoolWorks } from '../../src/fleet/pools/works.ts';
import type { JobFacts } from '../../src/machines/job-types.ts';
import { jobFacts } from '../support/job-facts.ts';
import { until } from '../support/until.ts';
import { serverBinary, startTestServer, type TestServer } from './support/engine.ts';
import { WISH } from './support/pool-wish.ts';

const BATCHES = 60;
const ALONE: PoolWish = { ...WISH, min: 1, max: 1, idleMs: 3_600_000 };

describe.skipIf(!serverBinary)('batches that stand in line at a pool', () => {
  let world: TestServer;
  const begun: string[] = [];
  const leftOut: string[] = [];
  const finished: string[] = [];
  let isReady = false;
  let restart: () => Promise<unknown>;

  /** Of a batch one job, that is called as the batch is. */
  const works = {
    keep: async () => undefined,
    forget: async () => undefined,
    isFinished: async (batchId: string) => finished.includes(batchId),
    mayBeSpent: async () => null,
    launch: () => ({ launchId: 'launch' }),
    look: async (_: PoolWish, pods: PoolPod[]) =>
      pods.map(({ launchId }) => ({
        launchId,
        podId: 'pod',
        state: 'ready',
        failure: null,
        standing: isReady ? 'ready' : 'unreachable',
      })),
    next: async (batchId: string) => ({ facts: jobFacts({ jobId: batchId, batchId }), over: 0, lost: 0 }),
    waiting: async (batchId: string, from: number) => (from === 0 ? [batchId] : []),
    leaveOut: async (jobIds: string[]) => void leftOut.push(...jobIds),
    finish: async (batchIds: string[]) => void finished.push(...batchIds),
  } as unknown as PoolWorks;
  /** Is over at once. */
  const job = object({
    name: 'job',
    handlers: {
      begin: async (ctx: ObjectContext, { input }: BeginRequest): Promise<void> => {
        const { batchId } = (input as { facts: JobFacts }).facts;
        await ctx.run('begun', () => void begun.push(ctx.key));
        const json: JobNews = {
          ...{ jobId: ctx.key, batchId, what: 'ended', state: 'done' },
          ...{ podId: 'pod', ranMs: 1, usd: 0 },
        };
        send(ctx, { object: POOL_OBJECT, key: 'art', handler: 'heard', json });
      },
      ask: handlers.object.exclusive(async (): Promise<void> => undefined),
    },
  });
  const pod = object({
    name: 'pod',
    handlers: {
      begin: async (): Promise<void> => undefined,
      ask: handlers.object.exclusive(async (): Promise<void> => undefined),
    },
  });
  const call = <T>(handler: string, json?: unknown) =>
    callObject<T>(world.server.places, { object: POOL_OBJECT, key: 'art', handler }, json);
  const submit = (batchId: string) =>
    tellObject(
      world.server.places,
      { object: POOL_OBJECT, key: 'art', handler: 'submit' },
      {
        ...{ batchId, owner: 'ann', count: 1, priority: 0, onError: 'go-on', maxCost: null },
      },
    );

  beforeEach(async () => {
    for (const told of [begun, leftOut, finished]) told.length = 0;
    isReady = false;
    world = await startTestServer();
    const { places } = world.server;
    const serve = (port: number) =>
      startWorker({
        ...{ places, port, identityKeys: world.identityKeys, durables: [] },
        objects: [poolObject(works, 100), job, pod],
      });
    const first = await serve(0);
    restart = async () => {
      process.kill(world.server.pid, 'SIGKILL');
      await first.stop();
      await world.server.ended;
      await world.startAgain();
      return serve(first.port);
    };
  });
  afterEach(() => world.end());

  it('are begun once and in their order, through a kill of the server; one taken back before its turn is left out', async () => {
    await call('wish', ALONE);
    for (let n = 0; n < BATCHES; n++) await submit(`b${n}`);
    await submit('b30');
    const waiting = await until('all have come', async () => {
      const state = await call<PoolState>('read');
      return state.orders === BATCHES ? state : undefined;
    });
    expect([waiting.entries.length, waiting.lines?.[0]?.jobs]).toEqual([8, BATCHES - 8]);
    await call('cancel', { batchId: 'b40', jobIds: null, who: 'ann' });
    await until('it is left out', () => leftOut.includes('b40'));
    await restart();
    isReady = true;
    await until('all are over', async () => new Set(finished).size >= BATCHES);
    const all = Array.from({ length: BATCHES }, (_, n) => `b${n}`);
    expect(begun).toEqual(all.filter((id) => id !== 'b40'));
    // What a kill cuts off is done again.
    expect([new Set(finished).size, [...new Set(leftOut)]]).toEqual([BATCHES, ['b40']]);
    // A batch is told as finished just before it is let go of.
    const over = await until('none is left', async () => {
      const state = await call<PoolState>('read');
      return state.entries.length === 0 ? state : undefined;
    });
    expect(over.lines).toEqual([]);
    await submit('b7');
    // It takes one thing after the other.
    await call('cancel', { batchId: 'none', jobIds: [], who: 'ann' });
    expect(begun).toHaveLength(BATCHES - 1);
  });
});
