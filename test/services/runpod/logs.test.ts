import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { createRunPod } from '../../../src/services/runpod/client.ts';
import { readyPod, simulate } from '../../sim/support/simulator.ts';

/** A way to a server whose connections can be cut. */
async function wayTo(target: URL): Promise<{ url: string; cut: () => void }> {
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
  onTestFinished(() => {
    cut();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}${target.pathname}`, cut };
}

it.each(['timestamp', 'timestamp/sequence'] as const)(
  'a log that is cut goes on where it ended, missing and repeating nothing (ids: %s)',
  async (logIds) => {
    const simulator = await simulate({ logIds });
    const pod = await readyPod(simulator);
    const way = await wayTo(new URL(simulator.url));
    const over = new AbortController();
    onTestFinished(() => over.abort());
    const runpod = createRunPod({ apiUrl: way.url, apiKey: 'sim-key' });
    pod.log.add('container', 'one', 'two');
    const lines = runpod
      .podLogs(pod.id, { source: 'container', tail: 2 }, over.signal)
      [Symbol.asyncIterator]();
    const next = async () => (await lines.next()).value?.line;
    expect([await next(), await next()]).toEqual(['one', 'two']);
    way.cut();
    pod.log.add('container', 'three');
    expect(await next()).toBe('three');
    way.cut();
    pod.log.add('container', 'four', 'five');
    expect([await next(), await next()]).toEqual(['four', 'five']);
  },
);
