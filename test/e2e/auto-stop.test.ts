import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../support/until.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
afterEach(() => world.end());

const begin = async () => {
  world = await startWorld();
  world.env.AUTOPOD_KEEPER_TIMINGS = JSON.stringify({ autoStopLookMs: 200 });
};
const podState = async () => (await world.pods())[0]?.status;
const control = async (action: string, body: object) => {
  const [podId] = await world.podIds();
  await fetch(`${world.simulator.controlUrl}/pods/${podId}/${action}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
};
const isStopped = () => until('stopped', async () => (await podState()) === 'EXITED');

describe('a pod the keeper stops by itself', () => {
  it('when its time is up; its tunnel goes with it and the journal says why', async () => {
    await begin();
    const run = await world.autopod(['up', '--local-port', 'auto', '--stop-after', '1s']);
    expect([run.code, run.stderr]).toEqual([0, expect.stringMatching(/is stopped at .*Cancel with/)]);
    await isStopped();
    await until('no tunnel', async () =>
      (await world.autopod(['tunnel', 'list', '--json'])).stdout.includes('[]'),
    );
    expect((await world.autopod(['history'])).stdout).toContain('its time was up');
  });

  it('when it is idle, but not while a job runs', async () => {
    await begin();
    await world.autopod(['up', '--local-port', 'auto']);
    await control('comfy', { queue: { running: 1, pending: 0 } });
    expect((await world.autopod(['tunnel', '--idle-stop', '1s'])).code).toBe(0);
    // Looked at ten times over without being stopped.
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(await podState()).toBe('RUNNING');
    await control('comfy', { queue: { running: 0, pending: 0 } });
    await isStopped();
  });

  it('not after it was cancelled, also when the keeper was killed meanwhile', async () => {
    await begin();
    await world.autopod(['up', '--local-port', 'auto', '--stop-after', '3s']);
    for (const pid of world.keeperPids()) process.kill(pid, 'SIGKILL');
    const cancelled = await world.autopod(['tunnel', '--stop-after', 'never']);
    expect(cancelled.stderr).toContain('not stopped by itself');
    await new Promise((resolve) => setTimeout(resolve, 3_500));
    expect(await podState()).toBe('RUNNING');
  });

  it('also by the keeper that took over from a killed one', async () => {
    await begin();
    await world.autopod(['up', '--local-port', 'auto', '--stop-after', '2s']);
    for (const pid of world.keeperPids()) process.kill(pid, 'SIGKILL');
    await isStopped();
  });
});
