import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { ScenarioInput } from '../../sim/scenario.ts';
import { pace, paced } from '../support/pace.ts';
import { signal } from '../support/processes.ts';
import { says } from '../support/says.ts';
import { until } from '../support/until.ts';
import { leftRunning, startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
afterEach(() => world.end());

const begin = async (scenario: ScenarioInput = {}) => {
  world = await startWorld(scenario);
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
  it('when its time is up; its tunnel waits for it and the journal says why', async () => {
    await begin();
    const run = await world.autopod(['up', '--local-port', 'auto', '--stop-after', paced(4)]);
    expect([run.code, run.stderr]).toEqual([0, expect.stringMatching(/will be stopped at .*Cancel with/)]);
    await isStopped();
    await until('the tunnel waits', async () =>
      (await world.autopod(['tunnel', 'list', '--json'])).stdout.includes('"waitingForPod"'),
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
    const late = pace();
    await world.autopod(['up', '--local-port', 'auto', '--stop-after', `${Math.ceil(9 * late)}s`]);
    signal(world.keeperPids(), 'SIGKILL');
    const cancelled = await world.autopod(['tunnel', '--stop-after', 'never']);
    expect(cancelled.stderr).toContain('Automatic stop is off');
    expect(await podState()).toBe('RUNNING');
    await new Promise((resolve) => setTimeout(resolve, 9_000 * late));
    expect(await podState()).toBe('RUNNING');
  });

  it('also by the keeper that took over from a killed one', async () => {
    await begin();
    await world.autopod(['up', '--local-port', 'auto', '--stop-after', paced(4)]);
    signal(world.keeperPids(), 'SIGKILL');
    await isStopped();
  });

  it('also when up was interrupted before there was a tunnel; a plain up meanwhile keeps its time', async () => {
    await begin({ latencies: { imagePullMs: 60_000 } });
    const { child, ended } = world.start(['up', '--local-port', 'auto', '--stop-after', paced(6)]);
    await until('pulling', async () => (await podState()) === 'STARTING');
    const planned = plan();
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ code: 130 });
    const again = world.start(['up', '--local-port', 'auto']);
    await says(again.child, /will be stopped at/);
    again.child.kill('SIGINT');
    expect(await again.ended).toMatchObject({ code: 130 });
    const status = await world.autopod(['tunnel', '--status']);
    expect(status.stderr).toMatch(/No tunnels[\s\S]*will be stopped at/);
    expect(plan()).toEqual(planned);
    await isStopped();
    await until('the keeper has seen it', () => plan() === null);
    expect((await world.autopod(['history'])).stdout).toContain('stopped by the keeper: its time was up');
    expect(await leftRunning(world)).toEqual([]);
  });

  it('also when up was killed while its create was unanswered', async () => {
    await begin({ faults: [{ kind: 'stall', route: 'createPod' }] });
    const { child, ended } = world.start(['up', '--local-port', 'auto', '--stop-after', paced(3)]);
    await until('created', async () => (await world.podIds()).length === 1);
    child.kill('SIGKILL');
    await ended;
    await isStopped();
  });

  it('also when its tunnel was closed, but not while it has a job', async () => {
    await begin();
    await world.autopod(['up', '--local-port', 'auto', '--stop-after', paced(4)]);
    await control('comfy', { queue: { running: 1, pending: 0 } });
    const closed = await world.autopod(['tunnel', '--stop']);
    expect(closed.stderr).toMatch(/will be stopped at|its time is up/);
    await until('looked into', async () =>
      (await world.autopod(['tunnel', 'list', '--json'])).stdout.includes('"healthy"'),
    );
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(await podState()).toBe('RUNNING');
    await control('comfy', { queue: { running: 0, pending: 0 } });
    await isStopped();
    expect(await leftRunning(world)).toEqual([]);
  });

  it('as it was said once: closing the tunnel and opening another keeps the plan, stopping the pod ends it', async () => {
    await begin();
    await world.autopod(['up', '--local-port', 'auto', '--stop-after', '30h']);
    await world.autopod(['tunnel', '--stop']);
    await world.autopod(['tunnel', '--local-port', 'auto']);
    expect((await world.autopod(['tunnel', '--status'])).stdout).toMatch(/Pod stops: +at \d/);
    expect((await world.autopod(['stop'])).code).toBe(0);
    expect(plan()).toBeNull();
    // The tunnel would wait for the pod.
    expect((await world.autopod(['tunnel', '--stop'])).code).toBe(0);
    expect(await leftRunning(world)).toEqual([]);
  });

  it('not when it is started again after its time was up elsewhere', async () => {
    await begin();
    const late = pace();
    await world.autopod(['up', '--local-port', 'auto', '--stop-after', `${Math.ceil(3 * late)}s`]);
    await world.killAll();
    await control('exit', {});
    await new Promise((resolve) => setTimeout(resolve, 3_000 * late));
    const run = await world.autopod(['up', '--local-port', 'auto']);
    expect([run.code, run.stderr]).toEqual([0, expect.stringContaining('Automatic stop is off')]);
    expect(await podState()).toBe('RUNNING');
  });
});

/** The plan in the one record there is. */
function plan(): unknown {
  const { records } = JSON.parse(readFileSync(join(world.home, 'pods.json'), 'utf8'));
  const [record] = Object.values(records) as { facts: { autoStop?: unknown } }[];
  return record?.facts.autoStop;
}
