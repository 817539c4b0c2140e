import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { ScenarioInput } from '../../sim/scenario.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
const begin = async (scenario: ScenarioInput = {}) => {
  world = await startWorld(scenario);
};
afterEach(() => world.end());

const up = ['up', '--local-port', 'auto'];

describe('a pod of ours behind more than a page of other pods', () => {
  it('is not bought again when its record is gone (I3)', async () => {
    await begin();
    expect(await world.autopod(up)).toMatchObject({ code: 0 });
    const [own] = world.simulator.world.pods.keys();
    await rm(join(world.home, 'pods.json'));
    await othersMake(1000);
    const run = await world.autopod(up);
    expect(run, run.stderr).toMatchObject({ code: 0, stderr: expect.stringContaining(own ?? '') });
    expect(creates()).toBe(1);
  });

  it('is not bought again when the answer to its create was never seen (I2)', async () => {
    await begin({ podsPerPage: 2, faults: [{ route: 'createPod', kind: 'stall' }] });
    const { child, ended } = world.start(up);
    while (creates() === 0) await sleep(20);
    child.kill('SIGKILL');
    await ended;
    await othersMake(5);
    const run = await world.autopod(up);
    expect(run, run.stderr).toMatchObject({ code: 0 });
    expect(creates()).toBe(1);
  });

  it('is listed, stopped by its name, and ended', async () => {
    await begin({ podsPerPage: 1 });
    expect(await world.autopod([...up, '--name', 'mine'])).toMatchObject({ code: 0 });
    const [own = ''] = world.simulator.world.pods.keys();
    await rm(join(world.home, 'pods.json'));
    await othersMake(2);
    const list = JSON.parse((await world.autopod(['ls', '--json'])).stdout) as { pods: { podId: string }[] };
    expect(list.pods.map(({ podId }) => podId)).toContain(own);
    expect(await world.autopod(['stop', 'mine'])).toMatchObject({ code: 0 });
    expect(world.simulator.world.pods.get(own)).toMatchObject({ status: 'EXITED' });
    expect(await world.autopod(['kill', '-y', 'mine'])).toMatchObject({ code: 0 });
    expect(world.simulator.world.pods.has(own)).toBe(false);
  });
});

/** Pods of the same account that are newer than all there are. */
async function othersMake(count: number): Promise<void> {
  const body = JSON.stringify({ count });
  await fetch(`${world.simulator.controlUrl}/bystanders`, { method: 'POST', body });
}

function creates(): number {
  return world.simulator.world.createCount;
}
