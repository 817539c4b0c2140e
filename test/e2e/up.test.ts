import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { pace } from '../support/pace.ts';
import { statusAt } from '../support/status-at.ts';
import { until } from '../support/until.ts';
import { leftRunning, startWorld, type TestWorld } from '../support/world.ts';

describe('up, from nothing to nothing', () => {
  let world: TestWorld;
  beforeAll(async () => {
    // Long enough to be seen on a busy machine.
    world = await startWorld({ latencies: { imagePullMs: 1_500 * pace() } });
  });
  afterAll(() => world.end());
  const port = { value: 0 };

  it('up creates a pod where the volume is and ends when ComfyUI answers through the tunnel', async () => {
    const run = await world.autopod(['up', '--volume-id', 'abc123xyz', '--local-port', await freePort()]);
    expect(run).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^ComfyUI available at http:\/\/localhost:\d+\n$/),
    });
    port.value = Number(/localhost:(\d+)/.exec(run.stdout)?.[1]);
    expect(await statusAt(port.value)).toBe(200);
    const [pod] = await world.pods();
    expect(pod).toMatchObject({ dataCenterId: 'US-GA-1', cloud: 'SECURE' });
  });

  it('progress tells each phase on stderr, the image pull among them', async () => {
    const { stderr } = await world.autopod(['up', '--new', '--local-port', 'auto', '--name', 'second']);
    for (const phase of [
      'Planning the placement',
      'Creating the pod',
      'Booting',
      'ComfyUI starting',
      'Ready',
      'Pulling',
    ]) {
      expect(stderr).toContain(phase);
    }
    expect((await world.autopod(['kill', 'second', '--yes'])).code).toBe(0);
  });

  it('up again buys nothing and answers with the same address', async () => {
    const run = await world.autopod(['up', '--json']);
    expect(run.code).toBe(0);
    expect(JSON.parse(run.stdout)).toMatchObject({ state: 'ready', url: `http://localhost:${port.value}` });
    expect(await world.podIds()).toHaveLength(1);
  });

  it('ls and info show the pod, its cost and its tunnel', async () => {
    const [id = ''] = await world.podIds();
    const listed = JSON.parse((await world.autopod(['ls', '--json'])).stdout);
    expect(listed.pods).toMatchObject([
      { podId: id, status: 'RUNNING', state: 'ready', dataCenterId: 'US-GA-1' },
    ]);
    expect(listed.totalPerHour).toBeGreaterThan(0);
    const shown = JSON.parse((await world.autopod(['info', '--json'])).stdout);
    expect(shown).toMatchObject({
      podId: id,
      volume: { volumeId: 'abc123xyz', path: '/workspace' },
      ports: ['22/tcp'],
    });
    expect(shown.tunnel).toMatchObject({ localPort: port.value, state: 'healthy' });
  });

  it('comfy status says ready and comfy info tells version and queue', async () => {
    const status = await world.autopod(['comfy', 'status']);
    expect(status.stdout).toContain('ComfyUI: Ready');
    expect(status.code).toBe(0);
    const info = JSON.parse((await world.autopod(['comfy', 'info', '--json'])).stdout);
    expect(info).toMatchObject({ version: '0.33.0', queue: { pending: 0, running: 0 } });
  });

  it('tunnel --status exits 0 while the tunnel is healthy', async () => {
    expect((await world.autopod(['tunnel', '--status'])).code).toBe(0);
  });

  it('stop stops the bill and the port says so at once; start comes back at the same local port', async () => {
    expect((await world.autopod(['stop'])).code).toBe(0);
    expect((await world.autopod(['tunnel', '--status'])).code).toBe(1);
    await until('the tunnel waits', async () =>
      (await world.autopod(['tunnel', 'list', '--json'])).stdout.includes('"waitingForPod"'),
    );
    expect(await statusAt(port.value)).toBe(503);
    const [pod] = await world.pods();
    expect(pod).toMatchObject({ status: 'EXITED', cost: 0 });
    const run = await world.autopod(['start', '--local-port', String(port.value)]);
    expect(run).toMatchObject({ code: 0, stdout: `ComfyUI available at http://localhost:${port.value}\n` });
  });

  it('restart is survived: the pod has another address and ComfyUI answers at the same local one', async () => {
    const before = (await world.pods())[0]?.startedAt;
    expect((await world.autopod(['restart'])).code).toBe(0);
    expect((await world.pods())[0]?.startedAt).not.toBe(before);
    expect(await statusAt(port.value)).toBe(200);
  });

  it('kill without a terminal and without --yes refuses and ends nothing', async () => {
    const run = await world.autopod(['kill']);
    expect(run.code).toBe(1);
    expect(run.stderr).toContain('--yes');
    expect(await world.podIds()).toHaveLength(1);
  });

  it('kill ends the pod and its tunnel, and nothing is left running', async () => {
    expect((await world.autopod(['kill', '--yes'])).code).toBe(0);
    expect(await world.podIds()).toEqual([]);
    expect(await leftRunning(world)).toEqual([]);
    expect((await world.autopod(['ls'])).stderr).toContain('No pods');
  });
});
