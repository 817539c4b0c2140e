import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import type { AutopodError } from '../../../src/errors.ts';
import { createRunPod, type RunPod } from '../../../src/services/runpod/client.ts';
import type { LogFollowing, LogQuery } from '../../../src/services/runpod/logs.ts';
import { readyPod, simulate } from '../../sim/support/simulator.ts';
import { listening } from './listening.ts';

/** A way to a server whose connections can be cut, or fall silent for good. */
async function wayTo(target: URL): Promise<{ runpod: RunPod; cut: () => void; silence: () => void }> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    }
    near.pipe(far).pipe(near);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  const silence = () => {
    for (const socket of sockets) socket.unpipe().pause();
  };
  onTestFinished(() => {
    cut();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const apiUrl = `http://127.0.0.1:${port}${target.pathname}`;
  return { runpod: createRunPod({ apiUrl, apiKey: 'sim-key' }), cut, silence };
}

function follow(runpod: RunPod, podId: string, query: LogQuery, following: Partial<LogFollowing> = {}) {
  const over = new AbortController();
  onTestFinished(() => over.abort());
  const lines = runpod
    .podLogs(podId, { source: 'container', ...query }, { signal: over.signal, ...following })
    [Symbol.asyncIterator]();
  return { next: async () => (await lines.next()).value?.line };
}

it.each(['timestamp', 'timestamp/sequence'] as const)(
  'a log that is cut goes on where it ended, missing and repeating nothing (ids: %s)',
  async (logIds) => {
    const simulator = await simulate({ logIds });
    const pod = await readyPod(simulator);
    const way = await wayTo(new URL(simulator.url));
    pod.log.add('container', 'one', 'two');
    const { next } = follow(way.runpod, pod.id, { tail: 2 });
    expect([await next(), await next()]).toEqual(['one', 'two']);
    way.cut();
    pod.log.add('container', 'three');
    expect(await next()).toBe('three');
    way.cut();
    pod.log.add('container', 'four', 'five');
    expect([await next(), await next()]).toEqual(['four', 'five']);
  },
);

it('with --tail 0 nothing is lost that came between two streams, though nothing came before', async () => {
  const simulator = await simulate();
  const pod = await readyPod(simulator);
  const way = await wayTo(new URL(simulator.url));
  const lost: AutopodError[] = [];
  const { next } = follow(way.runpod, pod.id, { tail: 0 }, { onLost: (failure) => lost.push(failure) });
  const untilBetween = async () => {
    // RunPod tells the time of its answer to the second; the pod had said something in that second.
    while ((await next()) !== 'between');
  };
  const first = untilBetween();
  const isFollowed = async () =>
    (await (await fetch(`${simulator.controlUrl}/requests`)).text()).includes('/logs');
  await expect.poll(isFollowed).toBe(true);
  way.cut();
  await expect.poll(() => lost.length).toBeGreaterThan(0);
  pod.log.add('container', 'between');
  await first;
  expect(lost[0]?.code).toBe('apiUnreachable');
});

it('a stream that has fallen silent is opened again', async () => {
  const simulator = await simulate();
  const pod = await readyPod(simulator);
  const way = await wayTo(new URL(simulator.url));
  pod.log.add('container', 'one');
  const { next } = follow(way.runpod, pod.id, { tail: 1 }, { silenceMs: 300 });
  expect(await next()).toBe('one');
  way.silence();
  pod.log.add('container', 'two');
  expect(await next()).toBe('two');
});

it('a stream that goes on is not given up, however long a read may take', async () => {
  const { runpod, heard } = await listening(
    (response) => {
      response.setHeader('content-type', 'text/event-stream');
      const say = (line: string) =>
        response.write(
          `data: ${JSON.stringify({ ts: '2026-11-23T02:00:00Z', source: 'container', line })}\n\n`,
        );
      say('one');
      setTimeout(() => say('two'), 500);
    },
    { readTimeoutMs: 100 },
  );
  const { next } = follow(runpod, 'pod', { tail: 1 });
  expect([await next(), await next()]).toEqual(['one', 'two']);
  expect(heard).toHaveLength(1);
});

it.each(['resumes at the last line', 'ignores where the last stream ended'])(
  'nothing is repeated by a server that %s',
  async (how) => {
    const said = ['one', 'two'];
    const at = (index: number) => `2026-11-23T02:00:0${index}.000000000Z`;
    const { runpod } = await listening((response, { headers }) => {
      const from = how.startsWith('ignores') ? undefined : headers['last-event-id'];
      response.setHeader('content-type', 'text/event-stream');
      for (const [index, line] of said.entries()) {
        if (from && at(index) < from) continue;
        const data = JSON.stringify({ ts: at(index), source: 'container', line });
        response.write(`id: ${at(index)}\ndata: ${data}\n\n`);
      }
      said.push(`after ${said.length}`);
      response.end();
    });
    const { next } = follow(runpod, 'pod', { tail: 2 });
    expect([await next(), await next(), await next()]).toEqual(['one', 'two', 'after 2']);
  },
);
