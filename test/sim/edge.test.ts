import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { call, createPod, podRequest, simulate } from './support/simulator.ts';

it('who sends no User-Agent gets a page of the edge, whatever the key is', async () => {
  const simulator = await simulate();
  const sent = request(`${simulator.url}/pods`, { headers: { authorization: 'Bearer sim-key' } }).end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  expect([answer.statusCode, answer.headers['content-type']]).toEqual([403, 'text/html']);
  expect(await text(answer)).toMatch(/^<!DOCTYPE html>/);
  expect(answer.headers).not.toHaveProperty('x-request-id');
});

it('every other answer has an id of its own, refusals too', async () => {
  const simulator = await simulate();
  const answers = [
    await call(simulator, 'GET', '/pods'),
    await call(simulator, 'GET', '/pods', { key: null }),
    await call(simulator, 'GET', '/pods/none'),
  ];
  const ids = answers.map(({ headers }) => headers.get('x-request-id'));
  expect(new Set(ids).size).toBe(3);
  expect(ids).not.toContain(null);
});

it('a create of more than 102,400 bytes is a 413, before anybody asks for a key', async () => {
  const simulator = await simulate();
  const empty = JSON.stringify(podRequest({ env: { A: '' } })).length;
  const fitting = podRequest({ env: { A: 'x'.repeat(102_400 - empty) } });
  const tooLarge = podRequest({ env: { A: 'x'.repeat(102_400 - empty + 1) } });
  expect((await call(simulator, 'POST', '/pods', { body: fitting })).status).toBe(201);
  const { status, body } = await call(simulator, 'POST', '/pods', { body: tooLarge, key: null });
  expect([status, body.detail]).toEqual([413, 'request body exceeds the 102400 byte limit']);
  expect(simulator.world.createCount).toBe(1);
});

it('a pod tells the processors and the memory that come with its GPUs, also without one', async () => {
  const simulator = await simulate({ zeroGpusOnResume: true });
  const pod = await createPod(simulator, { gpu: { id: 'NVIDIA A40', count: 2 } });
  expect(await gpuOf()).toEqual({ id: 'NVIDIA A40', count: 2, vcpuCount: 18, memory: 100 });
  simulator.world.halt(pod, 'EXITED');
  await call(simulator, 'POST', `/pods/${pod.id}/action`, { body: { action: 'start' } });
  expect(await gpuOf()).toEqual({ id: 'NVIDIA A40', count: 0, vcpuCount: 9, memory: 50 });

  async function gpuOf() {
    return (await call(simulator, 'GET', `/pods/${pod.id}`)).body.gpu;
  }
});
