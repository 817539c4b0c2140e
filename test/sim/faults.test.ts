import { expect, it } from 'vitest';
import type { FaultInput } from '../../sim/faults.ts';
import { call, podRequest, simulate } from './support/simulator.ts';

const create = { body: podRequest({ env: { AUTOPOD_LAUNCH_ID: 'launch-1' } }) };

it.each([
  ['dropBefore', 0],
  ['dropAfter', 1],
] as const)('cuts the connection with %s, leaving %i pods', async (kind, pods) => {
  const simulator = await simulate({ faults: [{ route: 'createPod', kind }] });
  await expect(call(simulator, 'POST', '/pods', create)).rejects.toThrow('fetch failed');
  expect(simulator.world.createCount).toBe(pods);
  expect((await call(simulator, 'POST', '/pods', create)).status).toBe(201);
});

it.each([
  ['stallBefore', 0],
  ['stall', 1],
] as const)('never answers with %s, leaving %i pods', async (kind, pods) => {
  const simulator = await simulate({ faults: [{ route: 'createPod', kind }] });
  const abort = new AbortController();
  const answer = fetch(`${simulator.url}/pods`, {
    method: 'POST',
    headers: { authorization: 'Bearer sim-key' },
    body: JSON.stringify(create.body),
    signal: abort.signal,
  });
  await simulator.world.until(
    ({ requests, createCount }) => requests.entries[0]?.fault === kind && createCount === pods,
  );
  abort.abort();
  await expect(answer).rejects.toThrow('aborted');
});

it.each([
  [false, 0],
  [true, 1],
])('answers the status asked for (effect first: %s), leaving %i pods', async (after, pods) => {
  const fault: FaultInput = { route: 'createPod', kind: 'status', status: 503, detail: 'tired', after };
  const simulator = await simulate({ faults: [fault] });
  const { status, body } = await call(simulator, 'POST', '/pods', create);
  expect([status, body.detail]).toEqual([503, 'tired']);
  expect(simulator.world.createCount).toBe(pods);
});

it('answers garbage after the effect', async () => {
  const simulator = await simulate({ faults: [{ route: 'createPod', kind: 'garbage' }] });
  await expect(call(simulator, 'POST', '/pods', create)).rejects.toThrow(SyntaxError);
  const { body } = await call(simulator, 'GET', '/pods');
  expect(body.pods).toMatchObject([{ env: { AUTOPOD_LAUNCH_ID: 'launch-1' } }]);
});

it('answers 429 with the Retry-After asked for', async () => {
  const simulator = await simulate({ faults: [{ route: 'listPods', kind: '429', retryAfterSeconds: 3 }] });
  const { status, headers } = await call(simulator, 'GET', '/pods');
  expect([status, headers.get('retry-after')]).toEqual([429, '3']);
});

it('delays, and forgets a request whose client has left meanwhile', async () => {
  const simulator = await simulate({ faults: [{ route: 'createPod', kind: 'delay', ms: 60_000 }] });
  const abort = new AbortController();
  const answer = fetch(`${simulator.url}/pods`, {
    method: 'POST',
    headers: { authorization: 'Bearer sim-key' },
    body: JSON.stringify(create.body),
    signal: abort.signal,
  });
  const left = expect(answer).rejects.toThrow('aborted');
  await simulator.world.until(({ requests }) => requests.entries[0]?.fault === 'delay');
  abort.abort();
  await left;
  expect(simulator.world.createCount).toBe(0);
});

it('skips as many requests as told, strikes as many as told, and leaves other routes alone', async () => {
  const simulator = await simulate({
    faults: [{ route: 'listPods', kind: 'status', status: 500, skip: 1, times: 2 }],
  });
  const statuses: number[] = [];
  for (const path of ['/pods', '/network-volumes', '/pods', '/pods', '/pods']) {
    statuses.push((await call(simulator, 'GET', path)).status);
  }
  expect(statuses).toEqual([200, 200, 500, 500, 200]);
});

it('strikes any route with a star', async () => {
  const simulator = await simulate({ faults: [{ route: '*', kind: 'status', status: 502, times: 2 }] });
  expect((await call(simulator, 'GET', '/catalog/gpus')).status).toBe(502);
  expect((await call(simulator, 'GET', '/pods')).status).toBe(502);
  expect((await call(simulator, 'GET', '/pods')).status).toBe(200);
});
