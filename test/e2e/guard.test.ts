import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../support/until.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
afterEach(() => world.end());

const begin = async () => {
  world = await startWorld();
  world.env.AUTOPOD_KEEPER_TIMINGS = JSON.stringify({ autoStopLookMs: 300, guardLeadMs: 2000 });
};
const podState = async () => (await world.pods())[0]?.status;
const only = () => {
  const [pod] = world.simulator.world.pods.values();
  if (!pod) throw new Error('there is no pod');
  return pod;
};
const planOf = async () => JSON.parse((await world.autopod(['info', '--json'])).stdout).autoStop;

describe('the guard in the pod', { timeout: 120_000 }, () => {
  it('is armed before the pod is ready, and stops it within a minute of its time when this machine is gone', async () => {
    await begin();
    const run = await world.autopod(['up', '--local-port', 'auto', '--stop-after', '10s']);
    expect(run.code).toBe(0);
    expect(run.stderr.indexOf('Guard: armed')).toBeGreaterThan(0);
    const dueAt = Date.parse((await planOf()).stopAt);
    await world.killAll();
    await until('the pod has stopped itself', async () => (await podState()) === 'EXITED', 90_000);
    expect(Date.now() - dueAt).toBeLessThan(60_000);
    expect(Date.now()).toBeGreaterThanOrEqual(dueAt);
    await world.autopod(['start', '--local-port', 'auto']);
    const again = await world.autopod(['up', '--local-port', 'auto', '--stop-after', '1h']);
    expect(again.stderr + (await world.autopod(['history'])).stdout).toContain('its time was up');
  });

  it('is not armed where the pod has no key of its own, and every view says that only this machine watches', async () => {
    await begin();
    await world.autopod(['up', '--local-port', 'auto']);
    only().hasOwnKey = false;
    const run = await world.autopod(['up', '--stop-after', '1h']);
    expect(run.code).toBe(0);
    const words = 'not armed: the pod has no key of its own';
    for (const command of ['ls', 'info', 'doctor']) {
      const { stdout, stderr } = await world.autopod([command]);
      expect((stdout + stderr).replaceAll(/\s+/g, ' ')).toContain(words);
    }
    expect((await planOf()).guard).toMatchObject({ state: 'refused', why: 'the pod has no key of its own' });
  });

  it('gets more time by one word, which the keeper goes by as well', async () => {
    await begin();
    await world.autopod(['up', '--local-port', 'auto', '--stop-after', '1h']);
    const before = Date.parse((await planOf()).stopAt);
    const extended = await world.autopod(['extend', '1h']);
    expect([extended.code, extended.stderr]).toEqual([0, expect.stringContaining('guard armed in the pod')]);
    const plan = await planOf();
    expect(Math.abs(Date.parse(plan.stopAt) - before - 3_600_000)).toBeLessThan(5_000);
    expect(Math.abs(only().guard.deadlineMs - Date.parse(plan.stopAt))).toBeLessThan(3_000);
  });

  it('is armed again after a restart of the pod', async () => {
    await begin();
    await world.autopod(['up', '--local-port', 'auto', '--stop-after', '1h']);
    expect(only().guard.state).toBe('armed');
    await world.autopod(['restart']);
    await until('armed again', () => only().guard.state === 'armed', 30_000);
    await until('and known to be', async () => (await planOf())?.guard?.state === 'armed', 30_000);
  });

  it('ends with the plan', async () => {
    await begin();
    await world.autopod(['up', '--local-port', 'auto', '--idle-stop', '1h']);
    expect(only().guard.state).toBe('armed');
    await world.autopod(['tunnel', '--idle-stop', 'never']);
    await until('it has ended', () => only().guard.state === 'off');
  });

  it('asks for a duration it can read', async () => {
    await begin();
    expect((await world.autopod(['extend', 'soon'])).code).toBe(2);
    expect((await world.autopod(['extend'])).code).toBe(2);
  });
});
