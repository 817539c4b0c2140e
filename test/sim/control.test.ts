import { expect, it } from 'vitest';
import { call, control, createPod, podRequest, readyPod, simulate } from './support/simulator.ts';

it('needs no key, lists itself, and names what it does not have', async () => {
  const simulator = await simulate();
  expect(Object.keys((await control(simulator, 'GET', '')).body)).toContain('POST /sim/faults');
  const { status, body } = await control(simulator, 'GET', '/nothing');
  expect([status, body.error]).toEqual([404, 'no such control: GET /sim/nothing; GET /sim lists them']);
});

it('shows pods with their internals, and counts creates, requests and what runs', async () => {
  const simulator = await simulate();
  const pod = await readyPod(simulator);
  await call(simulator, 'GET', '/pods');
  const { body } = await control(simulator, 'GET', '/state');
  expect(body).toMatchObject({
    createCount: 1,
    runningPodCount: 1,
    requestCounts: { createPod: 1, listPods: 1 },
    pods: [
      { id: pod.id, sim: { boots: 1, sshd: { state: 'up', port: pod.sshd.port }, comfyui: { state: 'up' } } },
    ],
  });
});

it('keeps a log of requests, also of those that got no answer', async () => {
  const simulator = await simulate({ faults: [{ route: 'createPod', kind: 'dropAfter' }] });
  await call(simulator, 'POST', '/pods', { body: podRequest() }).catch(() => {});
  await call(simulator, 'GET', '/pods', { key: 'wrong' });
  const { requests } = (await control(simulator, 'GET', '/requests')).body;
  expect(requests).toMatchObject([
    { method: 'POST', path: '/v2/pods', operationId: 'createPod', status: null, fault: 'dropAfter' },
    { method: 'GET', path: '/v2/pods', operationId: 'listPods', status: 401 },
  ]);
});

it('takes faults, one or several, and forgets them', async () => {
  const simulator = await simulate();
  const fault = { route: 'listPods', kind: 'status', status: 500 };
  await control(simulator, 'POST', '/faults', [fault, fault]);
  expect((await call(simulator, 'GET', '/pods')).status).toBe(500);
  expect((await control(simulator, 'POST', '/faults', fault)).body.pendingFaults).toHaveLength(2);
  await control(simulator, 'DELETE', '/faults');
  expect((await call(simulator, 'GET', '/pods')).status).toBe(200);
});

it('merges a patch into the script: null takes back, the rest stays', async () => {
  const simulator = await simulate({ stock: { 'NVIDIA A40': { 'US-GA-1': 'LOW', 'CA-MTL-1': 'HIGH' } } });
  await control(simulator, 'PATCH', '/scenario', { stock: { 'NVIDIA A40': { 'CA-MTL-1': 'NONE' } } });
  expect((await createPod(simulator)).spec.dataCenterId).toBe('US-GA-1');
  const { body } = await control(simulator, 'PATCH', '/scenario', {
    stock: { 'NVIDIA A40': { 'CA-MTL-1': null } },
  });
  expect(body.stock).toEqual({ 'NVIDIA A40': { 'US-GA-1': 'LOW' } });
});

it('keeps the pods, volumes and keys of an account whose script is patched', async () => {
  const simulator = await simulate();
  await createPod(simulator);
  await call(simulator, 'POST', '/network-volumes', { body: { name: 'v', size: 20, dataCenter: 'EU-RO-1' } });
  await control(simulator, 'PATCH', '/scenario', { listLagMs: 0 });
  expect(simulator.world.pods.size).toBe(1);
  expect(simulator.world.scenario.networkVolumes).toHaveLength(2);
});

it.each([
  ['PATCH', '/scenario', { lag: 1 }, 'scenario: unknown key "lag"'],
  ['POST', '/faults', { route: 'createPod', kind: 'explode' }, /faults\.0/],
])('refuses a mistake in %s %s by name', async (method, path, body, message) => {
  const reply = await control(await simulate(), method, path, body);
  expect(reply.status).toBe(422);
  if (typeof message === 'string') expect(reply.body.error).toBe(message);
  else expect(reply.body.error).toMatch(message);
});

it('makes a pod exit, fail, restart and vanish', async () => {
  const simulator = await simulate();
  const pod = await readyPod(simulator);
  const act = (name: string) => control(simulator, 'POST', `/pods/${pod.id}/${name}`);
  await act('exit');
  expect(pod.status).toBe('EXITED');
  await act('error');
  expect(pod.status).toBe('ERROR');
  await act('restart');
  await simulator.world.until(() => pod.comfyui.state === 'up');
  expect(pod.boots).toBe(2);
  await act('terminate');
  expect((await call(simulator, 'GET', `/pods/${pod.id}`)).status).toBe(404);
  expect((await act('exit')).status).toBe(404);
});

it('shows another address as ssh.direct until it is taken back', async () => {
  const simulator = await simulate();
  const pod = await readyPod(simulator);
  const direct = async () => (await call(simulator, 'GET', `/pods/${pod.id}`)).body.ssh.direct;
  await control(simulator, 'POST', `/pods/${pod.id}/ssh-endpoint`, { host: '10.1.2.3', port: 2222 });
  expect(await direct()).toMatchObject({
    host: '10.1.2.3',
    port: 2222,
    command: 'ssh root@10.1.2.3 -p 2222',
  });
  await control(simulator, 'POST', `/pods/${pod.id}/ssh-endpoint`, { host: null });
  expect(await direct()).toMatchObject({ port: pod.sshd.port });
});

it('lets ComfyUI be reached without ssh, until the pod is gone', async () => {
  const simulator = await simulate();
  const pod = await readyPod(simulator);
  const { body } = await control(simulator, 'POST', `/pods/${pod.id}/comfy-listener`, { port: 0 });
  const [{ port }] = body.pods[0].sim.comfyui.listeners;
  const url = `http://127.0.0.1:${port}/queue`;
  expect((await fetch(url)).status).toBe(200);
  await control(simulator, 'POST', `/pods/${pod.id}/comfy`, { state: 'down' });
  await expect(fetch(url)).rejects.toThrow('fetch failed');
  await control(simulator, 'POST', `/pods/${pod.id}/comfy`, { state: 'up' });
  expect((await fetch(url)).status).toBe(200);
  await control(simulator, 'POST', `/pods/${pod.id}/terminate`);
  await expect(fetch(url)).rejects.toThrow('fetch failed');
});

it('scripts the queue of ComfyUI and the lines of the log', async () => {
  const simulator = await simulate();
  const pod = await readyPod(simulator);
  await control(simulator, 'POST', `/pods/${pod.id}/comfy`, { queue: { running: 1, pending: 2 } });
  expect([pod.comfyui.queue.running.length, pod.comfyui.queue.pending.length]).toEqual([1, 2]);
  await control(simulator, 'POST', `/pods/${pod.id}/log`, { source: 'system', lines: ['disk full'] });
  expect(pod.log.lines.at(-1)).toMatchObject({ source: 'system', line: 'disk full' });
});
