import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assign, fromPromise, setup } from 'xstate';
import type { AutopodError } from '../../src/errors.ts';
import { askRestate, callObject } from '../../src/fleet/engine/ask.ts';
import { requireServerBinary } from '../../src/fleet/engine/binary.ts';
import type { Answer, Doing, Durable, Standing } from '../../src/fleet/engine/durable.ts';
import { startServer } from '../../src/fleet/engine/server.ts';
import { LAYOUT, startWorker, type Worker } from '../../src/fleet/engine/worker.ts';
import { deferred } from '../support/deferred.ts';
import { until } from '../support/until.ts';
import { serverBinary, startTestServer, type TestServer } from './support/engine.ts';

interface Parcel {
  state: string;
  why: string;
}

/** A parcel that is bought, or looked for where nobody knows whether it was, and then awaited. */
const parcelMachine = setup({
  types: { context: {} as Parcel, events: {} as { type: 'cancel.requested' } },
  actors: {
    buy: fromPromise<void>(() => Promise.reject()),
    await: fromPromise<void>(() => Promise.reject()),
  },
}).createMachine({
  id: 'parcel@1',
  initial: 'buying',
  context: { state: 'none', why: '' },
  on: { 'cancel.requested': '.cancelled' },
  states: {
    buying: {
      invoke: {
        id: 'buy',
        src: 'buy',
        onDone: 'awaiting',
        onError: {
          target: 'awaiting',
          actions: assign({ why: ({ event }) => (event.error as AutopodError).code }),
        },
      },
    },
    awaiting: { invoke: { id: 'await', src: 'await', onDone: 'here' } },
    here: { type: 'final' },
    cancelled: { type: 'final' },
  },
});

describe.skipIf(!serverBinary)('the engine of a fleet', () => {
  let world: TestServer;
  const workers: Worker[] = [];

  beforeAll(async () => {
    world = await startTestServer();
  });

  afterAll(async () => {
    for (const worker of workers) await worker.stop().catch(() => undefined);
    await world.end();
  });

  const asker = () => ({ who: 'ann', until: Date.now() + 60_000 });
  const call = <T>(object: string, handler: string, body?: unknown) =>
    callObject<T>(world.server.places, { object, key: 'k', handler }, body);
  const state = async (object: string) => (await call<Standing<Parcel> | null>(object, 'read'))?.saved.value;

  async function serve(
    name: string,
    works: Partial<Durable<Parcel>['works']>,
    port = 0,
    more: Partial<Durable<Parcel>> = {},
  ): Promise<Worker> {
    const done = { run: async () => undefined };
    const worker = await startWorker({
      places: world.server.places,
      port,
      identityKeys: world.identityKeys,
      durables: [
        {
          name,
          machine: parcelMachine,
          works: { buy: done, await: done, ...works },
          keep: async () => undefined,
          ...more,
        },
      ],
    });
    workers.push(worker);
    return worker;
  }

  it('begins a key once, however many ask at once', async () => {
    let bought = 0;
    const forever = { run: () => new Promise(() => undefined) };
    await serve('once', { buy: { run: async () => void bought++ }, await: forever });
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => call<Answer<Parcel>>('once', 'begin', { input: {}, asker: asker() })),
    );
    expect(answers.filter((answer) => 'isNew' in answer && answer.isNew)).toHaveLength(1);
    await until('awaiting', async () => (await state('once')) === 'awaiting');
    expect(bought).toBe(1);
  });

  it('takes up with the next worker what the last one left, and does not buy a second time', async () => {
    let bought = 0;
    const buying = deferred<Doing>();
    const buy = {
      whenCutOff: { code: 'createUnanswered', detail: {} } as const,
      run: async (doing: Doing) => {
        bought += 1;
        buying.resolve(doing);
        await new Promise(() => undefined);
      },
    };
    const first = await serve('left', { buy });
    await call('left', 'begin', { input: {}, asker: asker() });
    await buying.promise;
    await first.stop();
    await serve('left', { buy }, first.port);
    await until('here', async () => (await state('left')) === 'here');
    expect(bought).toBe(1);
    expect((await call<Standing<Parcel>>('left', 'read')).saved.context.why).toBe('createUnanswered');
  });

  it('does a long wait in boxes, with the time at which it began', async () => {
    const boxes: Doing['task'][] = [];
    const wait = {
      boxMs: 100,
      run: ({ task, signal }: Doing) => {
        boxes.push(task);
        if (boxes.length === 3) return Promise.resolve();
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      },
    };
    await serve('boxes', { await: wait });
    await call('boxes', 'begin', { input: {}, asker: asker() });
    await until('here', async () => (await state('boxes')) === 'here');
    expect(boxes).toHaveLength(3);
    expect(new Set(boxes.map(({ begunAt, turn }) => `${begunAt} ${turn}`)).size).toBe(1);
  });

  it('goes on after a kill of the server, with what it had kept', async () => {
    const waiting = deferred<Doing>();
    let isOver = false;
    const wait = {
      boxMs: 200,
      run: async (doing: Doing) => {
        waiting.resolve(doing);
        if (!isOver) await new Promise((_, reject) => doing.signal.addEventListener('abort', reject));
      },
    };
    await serve('killed', { await: wait });
    await call('killed', 'begin', { input: {}, asker: asker() });
    await waiting.promise;
    process.kill(world.server.pid, 'SIGKILL');
    await world.server.ended;
    isOver = true;
    await world.startAgain();
    await until('here', async () => (await state('killed')) === 'here');
  });

  it('keeps a step again only when the try that it has given up is over', async () => {
    const kept = deferred();
    const goOn = deferred();
    let under = 0;
    let most = 0;
    const keep: Durable<Parcel>['keep'] = async (_key, { to }) => {
      if (to !== 'awaiting') return;
      under += 1;
      most = Math.max(most, under);
      kept.resolve();
      await goOn.promise;
      under -= 1;
    };
    await serve('again', {}, 0, { keep });
    await call('again', 'begin', { input: {}, asker: asker() });
    await kept.promise;
    process.kill(world.server.pid, 'SIGKILL');
    await world.server.ended;
    await world.startAgain();
    // It is begun again within a second.
    await sleep(3_000);
    goOn.resolve();
    await until('here', async () => (await state('again')) === 'here');
    expect(most).toBe(1);
  });

  it('rings an alarm through a kill of the server, the one that was set last and no other', async () => {
    const forever = { run: () => new Promise(() => undefined) };
    const ringing = {
      event: { type: 'cancel.requested' },
      isDone: ({ value }: { value: unknown }) => value === 'cancelled',
      againMs: 60_000,
    };
    const told: string[] = [];
    const keep: Durable<Parcel>['keep'] = async (_key, { event }, { who }) =>
      void told.push(`${who} ${event}`);
    await serve('alarm', { await: forever }, 0, { ringing, keep });
    const schedule = (body: object) => call<number | null>('alarm', 'schedule', { who: 'the plan', ...body });
    await call('alarm', 'begin', { input: {}, asker: asker() });
    const at = Date.now() + 1_200;
    await schedule({ at: Date.now() + 300 });
    await schedule({ at });
    expect(await schedule({ at: at + 60_000, isOnlySooner: true })).toBe(at);
    process.kill(world.server.pid, 'SIGKILL');
    await world.server.ended;
    await world.startAgain();
    await until('cancelled', async () => (await state('alarm')) === 'cancelled');
    expect(Date.now()).toBeGreaterThanOrEqual(at);
    expect(told.at(-1)).toBe('the plan cancel.requested');
    expect((await call<Standing<Parcel>>('alarm', 'read')).alarm).toBeNull();
  });

  it('ends the work of a state that was left', async () => {
    const waiting = deferred<Doing>();
    const aborted = deferred();
    const wait = {
      run: (doing: Doing) => {
        waiting.resolve(doing);
        doing.signal.addEventListener('abort', () => aborted.resolve());
        return new Promise(() => undefined);
      },
    };
    await serve('left-state', { await: wait });
    await call('left-state', 'begin', { input: {}, asker: asker() });
    await waiting.promise;
    await call('left-state', 'ask', { event: { type: 'cancel.requested' }, asker: asker() });
    expect(await state('left-state')).toBe('cancelled');
    await aborted.promise;
  });

  it('goes on by itself with what could not be kept, however often it was tried', async () => {
    let tries = 0;
    const isWritable = deferred();
    const keep: Durable<Parcel>['keep'] = async (_key, { to }) => {
      if (to !== 'awaiting' || isWritable.isSettled) return;
      tries += 1;
      throw new Error('no space left on device');
    };
    await serve('full', {}, 0, { keep, keepAgainMs: 20 });
    await call('full', 'begin', { input: {}, asker: asker() });
    await until('many tries', async () => tries > 30);
    expect(await state('full')).toBe('buying');
    isWritable.resolve();
    await until('here', async () => (await state('full')) === 'here');
  });

  it('begins by itself what was sent and could not be kept', async () => {
    let tries = 0;
    const keep: Durable<Parcel>['keep'] = async () => {
      tries += 1;
      if (tries < 30) throw new Error('no space left on device');
    };
    await serve('sent', {}, 0, { keep, keepAgainMs: 10 });
    await call('sent', 'begin/send', { input: {}, asker: asker() });
    await until('here', async () => (await state('sent')) === 'here');
  });

  it('refuses as recordUnkept what somebody waits for and cannot be kept, and changes nothing', async () => {
    let isFull = false;
    const waiting = deferred<Doing>();
    const wait = {
      run: (doing: Doing) => {
        waiting.resolve(doing);
        return new Promise((resolve) => doing.signal.addEventListener('abort', resolve));
      },
    };
    const keep: Durable<Parcel>['keep'] = async () => {
      if (isFull) throw new Error('no space left on device');
    };
    await serve('refused', { await: wait }, 0, { keep, keepAgainMs: 10 });
    await call('refused', 'begin', { input: {}, asker: asker() });
    const { signal } = await waiting.promise;
    isFull = true;
    const asked = { event: { type: 'cancel.requested' }, asker: asker(), isAwaited: true };
    expect(await call('refused', 'ask', asked)).toEqual({
      failure: { code: 'recordUnkept', detail: { reason: expect.stringContaining('no space left') } },
    });
    expect([await state('refused'), signal.aborted]).toEqual(['awaiting', false]);
    isFull = false;
    await call('refused', 'ask', asked);
    expect(await state('refused')).toBe('cancelled');
  });

  /** The status of a call that nobody has signed. */
  const statusAt = async (port: number, path: string) => {
    const { connect } = await import('node:http2');
    return new Promise((resolve, reject) => {
      const session = connect(`http://127.0.0.1:${port}`);
      session.on('error', reject);
      const request = session.request({ ':method': 'POST', ':path': path });
      request.on('response', (headers) => {
        resolve(headers[':status']);
        session.destroy();
      });
      request.on('error', reject);
      request.end('{}');
    });
  };

  it('takes no call that the server has not signed', async () => {
    const { port, uri } = await serve('signed', {});
    expect(await statusAt(port, `${new URL(uri).pathname}/invoke/signed/begin`)).toBe(401);
  });

  it.each(['/1', `/${LAYOUT - 1}/0.1.0`, `/${LAYOUT + 1}/0.1.0`])(
    'leaves a call of another layout, %s, to whoever wrote its journal',
    async (path) => {
      const { port } = await serve('other', {});
      expect(await statusAt(port, `${path}/invoke/other/begin`)).toBe(503);
    },
  );

  it('lets nobody in from outside at what is between it and its workers', async () => {
    await serve('private', {});
    await call('private', 'begin', { input: {}, asker: asker() });
    for (const handler of ['work', 'settled'])
      await expect(call('private', handler, {})).rejects.toMatchObject({ code: 'engineUnreachable' });
  });

  it('tells a server that does not answer as engineUnreachable', async () => {
    const nowhere = { socket: join(tmpdir(), 'nobody.sock') };
    await expect(askRestate(nowhere, 'health', { method: 'GET' })).rejects.toMatchObject({
      code: 'engineUnreachable',
    });
    const folder = join(world.folder, 'ends');
    const identityPath = join(world.folder, 'identity.pem');
    await expect(startServer({ folder, binary: '/bin/false', identityPath, env: {} })).rejects.toMatchObject({
      code: 'engineUnreachable',
    });
  });
});

describe('without Restate’s server', () => {
  it('a system for which there is none is told so as engineMissing', () => {
    expect(() => requireServerBinary(tmpdir(), 'aix-ppc64')).toThrow(
      expect.objectContaining({ code: 'engineMissing', detail: { system: 'aix-ppc64', isBuilt: false } }),
    );
  });
});
