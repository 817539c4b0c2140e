import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe } from 'vitest';
import { AutopodError } from '../../src/errors.ts';
import { callObject } from '../../src/fleet/engine/ask.ts';
import type { Answer, Standing } from '../../src/fleet/engine/durable.ts';
import { startWorker } from '../../src/fleet/engine/worker.ts';
import { serverBinary, startTestServer, type TestServer } from '../fleet/support/engine.ts';
import { deferred } from '../support/deferred.ts';
import { until } from '../support/until.ts';
import { type Engine, hostContract } from './contract.ts';

type Order = Parameters<Engine['begin']>[0]['input'];

describe.skipIf(!serverBinary)('with Restate', () => {
  let world: TestServer;

  beforeAll(async () => {
    world = await startTestServer();
  });

  afterAll(() => world.end());

  hostContract('the engine of a fleet', {
    begin: ({ machine, input, works, save, journal, inspect }) => {
      const name = `order${randomUUID().slice(0, 8)}`;
      const place = { object: name, key: 'o1' };
      const asker = { who: 'test', until: Date.now() + 60_000 };
      const { places } = world.server;
      const failed = deferred<Error>();
      const begun = startWorker({
        places,
        port: 0,
        identityKeys: world.identityKeys,
        durables: [
          {
            name,
            machine,
            works: Object.fromEntries(Object.entries(works).map(([src, run]) => [src, { run }])),
            keep: async (_key, step) => {
              inspect(step);
              await save(step.saved).catch((error: Error) => {
                failed.resolve(error);
                throw new AutopodError('internal', { message: error.message });
              });
              if (step.from !== step.to) await journal(step).catch(() => undefined);
            },
          },
        ],
      }).then(async (worker) => {
        void callObject<Answer<Order>>(places, { ...place, handler: 'begin' }, { input, asker }).catch(
          () => undefined,
        );
        return worker;
      });
      const read = () => callObject<Standing<Order> | null>(places, { ...place, handler: 'read' }, undefined);
      const ended = begun.then(() =>
        until('the end', async () => {
          if (failed.isSettled) throw await failed.promise;
          const standing = await read();
          return standing?.isFinal ? standing.saved : undefined;
        }),
      );
      ended.catch(() => undefined);
      return {
        send: (event) =>
          void callObject(places, { ...place, handler: 'ask' }, { event, asker }).catch(() => undefined),
        ended,
        stop: async () => (await begun).stop(),
      };
    },
  });
});
