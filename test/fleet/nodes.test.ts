import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { askRestate } from '../../src/fleet/engine/ask.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const well: Answer = (_, response) => response.end('{"by":"well"}');
const hanging: Answer = () => undefined;
const leaving: Answer = (request) => request.socket.destroy();
const unready: Answer = (_, response) => response.writeHead(503).end('not ready');
const refusing: Answer = (_, response) => response.writeHead(400).end('no such handler');

interface Node {
  url: string;
  asked: string[];
  answer: Answer;
  end: () => void;
}

const nodes: Node[] = [];
afterEach(() => {
  for (const { end } of nodes.splice(0)) end();
});

async function node(answer: Answer): Promise<Node> {
  const one: Node = { url: '', asked: [], answer, end: () => undefined };
  const server = createServer((request, response) => {
    one.asked.push(String(request.headers['idempotency-key']));
    one.answer(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  one.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  one.end = () => {
    server.closeAllConnections();
    server.close();
  };
  nodes.push(one);
  return one;
}

const ask = (...of: Node[]) =>
  askRestate<{ by: string }>({ urls: of.map(({ url }) => url) }, 'x', { json: 1 });

it.each([
  ['hangs', hanging],
  ['ends its connections', leaving],
  ['says that it is not ready', unready],
])('a node that %s is asked once, and the others answer', async (_, answer) => {
  const [first, second, third] = [await node(answer), await node(well), await node(well)];
  for (let times = 0; times < 5; times++) expect(await ask(first, second, third)).toEqual({ by: 'well' });
  expect([first.asked.length, second.asked.length + third.asked.length]).toEqual([1, 5]);
});

it('a node that is not there at all is passed over, also where it is the only one before the last', async () => {
  const [first, second, third] = [await node(well), await node(well), await node(well)];
  first.end();
  second.end();
  for (let times = 0; times < 3; times++) expect(await ask(first, second, third)).toEqual({ by: 'well' });
  expect(third.asked).toHaveLength(3);
});

it('all nodes that are asked for one call are told the same key, and another for the next', async () => {
  const [first, second] = [await node(hanging), await node(well)];
  await ask(first, second);
  expect(first.asked).toEqual(second.asked);
  await ask(first, second);
  expect(new Set(second.asked).size).toBe(2);
});

it('a node that has come back is asked when the others have gone', async () => {
  const [first, second] = [await node(unready), await node(well)];
  await ask(first, second);
  first.answer = well;
  second.answer = leaving;
  expect(await ask(first, second)).toEqual({ by: 'well' });
  expect(await ask(first, second)).toEqual({ by: 'well' });
  expect([first.asked.length, second.asked.length]).toEqual([3, 2]);
});

it('an answer that is a refusal is one, and nobody else is asked', async () => {
  const [first, second] = [await node(refusing), await node(well)];
  await expect(ask(first, second)).rejects.toMatchObject({
    code: 'engineUnreachable',
    detail: { detail: expect.stringContaining('no such handler') },
  });
  expect(second.asked).toEqual([]);
});

it('where no node answers that is said, and it takes no longer than one may take', async () => {
  const [first, second] = [await node(hanging), await node(hanging)];
  await expect(
    askRestate({ urls: [first.url, second.url] }, 'x', { json: 1, timeoutMs: 2_500 }),
  ).rejects.toMatchObject({ code: 'engineUnreachable', detail: { detail: 'ETIMEDOUT' } });
});

it('who gives up is not told of nodes', async () => {
  const first = await node(hanging);
  const second = await node(hanging);
  const urls = [first.url, second.url];
  const left = AbortSignal.timeout(50);
  await expect(askRestate({ urls }, 'x', { json: 1, signal: left })).rejects.toMatchObject({
    name: 'TimeoutError',
  });
});
