import { describe, expect, it, onTestFinished } from 'vitest';
import { fromPromise, setup } from 'xstate';
import { askRestate, callObject, tellObject } from '../../src/fleet/engine/ask.ts';
import { resumePaused } from '../../src/fleet/engine/deployments.ts';
import type { Durable, Standing } from '../../src/fleet/engine/durable.ts';
import { object } from '../../src/fleet/engine/sdk.ts';
import { tickingObject } from '../../src/fleet/engine/ticker.ts';
import { startWorker } from '../../src/fleet/engine/worker.ts';
import { deferred } from '../support/deferred.ts';
import { until } from '../support/until.ts';
import { serverBinary, startTestServer } from './support/engine.ts';

const waitMachine = setup({ actors: { wait: fromPromise<void>(() => Promise.reject()) } }).createMachine({
  id: 'wait@1',
  initial: 'waiting',
  states: { waiting: { invoke: { id: 'wait', src: 'wait', onDone: 'here' } }, here: { type: 'final' } },
});

const POLICY = 'RESTATE_DEFAULT_RETRY_POLICY';
const KILLS = { [`${POLICY}__MAX_ATTEMPTS`]: '2', [`${POLICY}__ON_MAX_ATTEMPTS`]: 'kill' };
/** Whatever a service asks for. */
const CAPS = { RESTATE_MAX_RETRY_POLICY_MAX_ATTEMPTS: '2', [`${POLICY}__ON_MAX_ATTEMPTS`]: 'kill' };

interface Call {
  status: string;
  retry_count: number;
}

/** An engine that is somebody else's, with its own mind about what is given up; and a worker there. */
async function world(settings: NodeJS.ProcessEnv, works: { isKept?: () => boolean } = {}) {
  const { server, identityKeys, end } = await startTestServer({ ...process.env, ...settings });
  onTestFinished(end);
  const { places } = server;
  const waiting = deferred();
  let isOver = false;
  let ticks = 0;
  const durable: Durable<object> = {
    name: 'wait',
    machine: waitMachine,
    keepAgainMs: 100,
    keep: async () => {
      if (works.isKept?.() === false) throw new Error('the disk is full');
    },
    works: {
      wait: {
        boxMs: 60_000,
        run: async ({ signal }) => {
          waiting.resolve();
          if (!isOver) await new Promise((_, reject) => signal.addEventListener('abort', reject));
        },
      },
    },
  };
  const tick = async () => {
    ticks += 1;
    return { nextMs: 100 };
  };
  const failing = async () => {
    throw new Error('it always fails');
  };
  const serve = (port = 0) =>
    startWorker({
      ...{ places, identityKeys, port, durables: [durable] },
      objects: [
        tickingObject({ name: 'ticks', tick, againMs: 100 }),
        object({
          name: 'theirs',
          handlers: { failing },
          options: { retryPolicy: { maxAttempts: 2, initialInterval: 20, onMaxAttempts: 'pause' } },
        }),
      ],
    });
  const worker = await serve();
  onTestFinished(worker.stop);
  return {
    places,
    worker,
    waiting,
    ticks: () => ticks,
    over: () => {
      isOver = true;
    },
    serveAgain: async () => {
      const again = await serve(worker.port);
      onTestFinished(again.stop);
    },
    begin: () =>
      tellObject(
        places,
        { object: 'wait', key: 'k', handler: 'begin' },
        { input: {}, asker: { who: 'ann', until: Date.now() + 60_000 } },
      ),
    state: async () =>
      (
        await callObject<Standing<object> | null>(
          places,
          { object: 'wait', key: 'k', handler: 'read' },
          undefined,
        )
      )?.saved.value,
    calls: async (name: string) => {
      const query = `SELECT status, retry_count FROM sys_invocation WHERE target_service_name = '${name}' AND status <> 'completed'`;
      return (await askRestate<{ rows: Call[] }>(places.admin, 'query', { json: { query } })).rows;
    },
  };
}

describe.skipIf(!serverBinary)('an engine that gives up what fails a few times', () => {
  it('does not give up a step that cannot be kept for long', async () => {
    let tries = 0;
    const { begin, state, over } = await world(KILLS, {
      isKept: () => {
        tries += 1;
        return tries > 6;
      },
    });
    over();
    await begin();
    await until('here', async () => (await state()) === 'here');
    expect(tries).toBeGreaterThan(6);
  });

  it('does not give up what was begun at a worker that is away for long, nor what looks again and again', async () => {
    const { begin, waiting, worker, over, calls, serveAgain, state, places, ticks } = await world(KILLS);
    await begin();
    await callObject(places, { object: 'ticks', key: 'k', handler: 'begin' }, undefined);
    await waiting.promise;
    await worker.stop();
    for (const name of ['wait', 'ticks'])
      await until(`${name} was tried more often than that`, async () =>
        (await calls(name)).some(({ retry_count }) => retry_count > 4),
      );
    over();
    const before = ticks();
    await serveAgain();
    await until('here', async () => (await state()) === 'here');
    await until('it looks again', () => ticks() > before);
  });

  it('pauses at most, where nothing may be tried more often: then it is told to go on, and nothing of others is', async () => {
    const { begin, waiting, worker, over, calls, serveAgain, state, places } = await world(CAPS);
    await tellObject(places, { object: 'theirs', key: 'k', handler: 'failing' }, undefined);
    await begin();
    await waiting.promise;
    await worker.stop();
    const isPaused = async (name: string) => (await calls(name)).some(({ status }) => status === 'paused');
    for (const name of ['wait', 'theirs']) await until(`${name} is paused`, () => isPaused(name));
    over();
    await serveAgain();
    await until('it is told', async () => (await resumePaused(places, ['wait', 'ticks'], worker.uri)) > 0);
    await until('here', async () => (await state()) === 'here');
    expect(await isPaused('theirs')).toBe(true);
  });
});
