import { expect, it } from 'vitest';
import { INSTANT } from '../../sim/scenario.ts';
import { call, control, createPod, podRequest, ready, readyPod, simulate } from './support/simulator.ts';

it('takes a pod through PROVISIONING, STARTING and RUNNING to a ComfyUI that answers', async () => {
  const simulator = await simulate({
    latencies: { ...INSTANT, provisioningMs: 20, imagePullMs: 20, stopMs: 0 },
  });
  const seen: string[] = [];
  simulator.world.on('changed', () => {
    const [pod] = simulator.world.pods.values();
    if (pod && seen.at(-1) !== pod.status) seen.push(pod.status);
  });
  await readyPod(simulator);
  expect(seen).toEqual(['PROVISIONING', 'STARTING', 'RUNNING']);
});

it('shows no runtime, no ssh.direct and no start time before the pod runs', async () => {
  const simulator = await simulate({ latencies: { ...INSTANT, provisioningMs: 60_000 } });
  const { id } = await createPod(simulator);
  const { body } = await call(simulator, 'GET', `/pods/${id}`);
  expect(body).toMatchObject({
    status: 'PROVISIONING',
    actions: ['stop', 'terminate'],
    runtime: null,
    startedAt: null,
    cost: 0.4,
    ssh: { direct: null, proxy: { host: 'ssh.runpod.io' } },
  });
});

it('is RUNNING before it has a public port, and has one before sshd accepts', async () => {
  const late = { ...INSTANT, publicPortMs: 60_000 };
  const simulator = await simulate({ latencies: late });
  const pod = await createPod(simulator);
  await simulator.world.until(() => pod.status === 'RUNNING');
  expect((await call(simulator, 'GET', `/pods/${pod.id}`)).body.ssh.direct).toBeNull();

  const later = await simulate({ latencies: { ...INSTANT, sshdMs: 60_000 } });
  const other = await createPod(later);
  await later.world.until(() => other.sshd.port !== null);
  const { body } = await call(later, 'GET', `/pods/${other.id}`);
  expect(body.ssh.direct).toMatchObject({ host: '127.0.0.1', port: other.sshd.port, username: 'root' });
  expect(other.sshd.state).toBe('off');
});

it('has no ssh.direct without 22/tcp among its ports', async () => {
  const simulator = await simulate();
  const { id } = await readyPod(simulator, { ports: [] });
  expect((await call(simulator, 'GET', `/pods/${id}`)).body.ssh.direct).toBeNull();
});

it('stops, costs nothing, starts again with another start time and port', async () => {
  const simulator = await simulate();
  const pod = await readyPod(simulator);
  const before = (await call(simulator, 'GET', `/pods/${pod.id}`)).body;
  const stopped = (await act(simulator, pod.id, 'stop')).body;
  expect(stopped).toMatchObject({
    status: 'EXITED',
    actions: ['start', 'terminate'],
    cost: 0,
    runtime: null,
  });
  expect(stopped.ssh.direct).toBeNull();
  expect((await act(simulator, pod.id, 'start')).body.status).toBe('PROVISIONING');
  await ready(simulator, pod);
  const after = (await call(simulator, 'GET', `/pods/${pod.id}`)).body;
  expect(after.cost).toBe(0.4);
  expect(after.startedAt).not.toBe(before.startedAt);
  expect(after.ssh.direct.port).not.toBe(before.ssh.direct.port);
});

it('takes its time to stop, with its services gone at once', async () => {
  const simulator = await simulate({ latencies: { ...INSTANT, stopMs: 60_000 } });
  const pod = await readyPod(simulator);
  const { body } = await act(simulator, pod.id, 'stop');
  expect(body).toMatchObject({ status: 'RUNNING', actions: ['terminate'], ssh: { direct: null } });
  expect([pod.sshd.state, pod.comfyui.state]).toEqual(['off', 'down']);
  expect((await act(simulator, pod.id, 'start')).status).toBe(409);
});

it.each([
  ['RUNNING', 'start'],
  ['EXITED', 'stop'],
  ['EXITED', 'restart'],
  ['ERROR', 'stop'],
])('refuses, in status %s, to %s', async (status, action) => {
  const simulator = await simulate();
  const pod = await readyPod(simulator);
  if (status === 'EXITED') await act(simulator, pod.id, 'stop');
  if (status === 'ERROR') await control(simulator, 'POST', `/pods/${pod.id}/error`);
  const reply = await act(simulator, pod.id, action);
  expect([reply.status, reply.body.detail]).toEqual([
    409,
    `action ${action} is not valid for a pod in status ${status}`,
  ]);
});

it('does not stop a locked pod', async () => {
  const simulator = await simulate();
  const { id } = await readyPod(simulator);
  expect((await call(simulator, 'PATCH', `/pods/${id}`, { body: { locked: true } })).body.locked).toBe(true);
  expect((await act(simulator, id, 'stop')).status).toBe(409);
  await call(simulator, 'PATCH', `/pods/${id}`, { body: { locked: false } });
  expect((await act(simulator, id, 'stop')).status).toBe(200);
});

it('forgets a terminated pod', async () => {
  const simulator = await simulate();
  const { id } = await readyPod(simulator);
  expect((await call(simulator, 'DELETE', `/pods/${id}`)).status).toBe(204);
  expect((await call(simulator, 'GET', `/pods/${id}`)).status).toBe(404);
  expect((await call(simulator, 'GET', '/pods')).body.pods).toEqual([]);
  expect((await act(simulator, id, 'stop')).status).toBe(404);
});

it('can be stopped and terminated in the middle of a boot', async () => {
  const simulator = await simulate({ latencies: { ...INSTANT, imagePullMs: 60_000 } });
  const pod = await createPod(simulator);
  await simulator.world.until(() => pod.status === 'STARTING');
  expect((await act(simulator, pod.id, 'stop')).body.status).toBe('EXITED');
  await act(simulator, pod.id, 'start');
  expect((await act(simulator, pod.id, 'terminate')).status).toBe(204);
  expect(simulator.world.pods.size).toBe(0);
});

it('keeps a new pod out of the list while the list lags, and shows it by id', async () => {
  const simulator = await simulate({ listLagMs: 60_000 });
  const { id } = await createPod(simulator);
  expect((await call(simulator, 'GET', '/pods')).body.pods).toEqual([]);
  expect((await call(simulator, 'GET', `/pods/${id}`)).status).toBe(200);
  await control(simulator, 'PATCH', '/scenario', { listLagMs: 0, getLagMs: 60_000 });
  expect((await call(simulator, 'GET', '/pods')).body.pods).toHaveLength(1);
  expect((await call(simulator, 'GET', `/pods/${id}`)).status).toBe(404);
});

it('brings a pod back without its GPU when told to', async () => {
  const simulator = await simulate({ zeroGpusOnResume: true });
  const pod = await readyPod(simulator);
  await act(simulator, pod.id, 'stop');
  await act(simulator, pod.id, 'start');
  await ready(simulator, pod);
  const { body } = await call(simulator, 'GET', `/pods/${pod.id}`);
  expect(body).toMatchObject({
    status: 'RUNNING',
    gpu: { id: 'NVIDIA A40', count: 0 },
    runtime: { gpus: [] },
  });
});

it('refuses to start on a full host, and the pod stays stopped and costs nothing', async () => {
  const simulator = await simulate({ fullOnResume: true });
  const pod = await readyPod(simulator);
  await act(simulator, pod.id, 'stop');
  const { status, body } = await act(simulator, pod.id, 'start');
  expect([status, body.detail]).toEqual([
    400,
    'There are not enough free GPUs on the host machine to start this pod.',
  ]);
  expect((await call(simulator, 'GET', `/pods/${pod.id}`)).body).toMatchObject({ status: 'EXITED', cost: 0 });
});

it('never maps a port on a host without a public IP', async () => {
  const simulator = await simulate({ withoutPublicIp: ['NVIDIA A40'] });
  const pod = await createPod(simulator);
  await simulator.world.until(() => pod.status === 'RUNNING');
  const { body } = await call(simulator, 'GET', `/pods/${pod.id}`);
  expect([body.status, body.ssh.direct, body.runtime.ports]).toEqual(['RUNNING', null, []]);
});

it('shows the environment of each pod in the list', async () => {
  const simulator = await simulate();
  await createPod(simulator, { env: { AUTOPOD_LAUNCH_ID: 'launch-7' } });
  const { body } = await call(simulator, 'GET', '/pods');
  expect(body.pods[0].env).toEqual({ AUTOPOD_LAUNCH_ID: 'launch-7' });
});

it('injects the account keys for startSsh, unless the request brings its own', async () => {
  const simulator = await simulate({ sshKeys: ['ssh-ed25519 AAAA one', 'ssh-ed25519 BBBB two'] });
  const injected = await createPod(simulator, { startSsh: true });
  expect(injected.spec.env.PUBLIC_KEY).toBe('ssh-ed25519 AAAA one\nssh-ed25519 BBBB two');
  const own = await createPod(simulator, { startSsh: true, env: { PUBLIC_KEY: 'mine' } });
  expect(own.spec.env.PUBLIC_KEY).toBe('mine');
  const none = await createPod(simulator);
  expect(none.spec.env).toEqual({});
});

it('creates and starts nothing on an empty balance', async () => {
  const simulator = await simulate();
  const pod = await readyPod(simulator);
  await act(simulator, pod.id, 'stop');
  await control(simulator, 'PATCH', '/scenario', { balance: 0 });
  expect((await call(simulator, 'POST', '/pods', { body: podRequest() })).status).toBe(402);
  expect((await act(simulator, pod.id, 'start')).status).toBe(402);
});

function act(simulator: { url: string }, id: string, action: string) {
  return call(simulator, 'POST', `/pods/${id}/action`, { body: { action } });
}
