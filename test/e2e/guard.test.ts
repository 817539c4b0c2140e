import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { paced } from '../support/pace.ts';
import { until } from '../support/until.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
afterEach(() => world.end());

const begin = async () => {
  world = await startWorld();
  world.env.AUTOPOD_KEEPER_TIMINGS = JSON.stringify({
    autoStopLookMs: 300,
    guardLookMs: 300,
    guardLeadMs: 2000,
  });
};
const podState = async () => (await world.pods())[0]?.status;
const only = () => {
  const [pod] = world.simulator.world.pods.values();
  if (!pod) throw new Error('there is no pod');
  return pod;
};
const planOf = async () => JSON.parse((await world.autopod(['info', '--json'])).stdout).autoStop;

describe('the guard in the pod', () => {
  it('is armed before the pod is ready, and stops it within a minute of its time when this machine is gone', async () => {
    await begin();
    const run = await world.autopod(['up', '--local-port', 'auto', '--stop-after', '1h']);
    expect(run.code).toBe(0);
    expect(run.stderr.indexOf('Guard: armed')).toBeGreaterThan(0);
    await world.autopod(['tunnel', '--stop-after', paced(4)]);
    await world.killAll();
    const dueAt = only().guard.deadlineMs;
    await until('the pod has stopped itself', async () => (await podState()) === 'EXITED', 90_000);
    expect(Date.now() - dueAt).toBeLessThan(60_000);
    expect(Date.now()).toBeGreaterThanOrEqual(dueAt);
    // Whoever asks next is told, without a plan as well.
    const again = await world.autopod(['up', '--local-port', 'auto']);
    expect(again.stderr.replaceAll(/\s+/g, ' ')).toMatch(
      /Pod \w+ stopped itself at \d\d:\d\d: its time was up/,
    );
    expect((await world.autopod(['history'])).stdout).toContain('the pod ended itself: its time was up');
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

  it('gets more time by one word, which the keeper goes by as well; out of reach it keeps what it was told, and that is said', async () => {
    await begin();
    await world.autopod(['up', '--local-port', 'auto', '--stop-after', '1h']);
    const before = Date.parse((await planOf()).stopAt);
    const extended = await world.autopod(['extend', '1h']);
    expect([extended.code, extended.stderr]).toEqual([0, expect.stringContaining('guard armed in the pod')]);
    const plan = await planOf();
    expect(Math.abs(Date.parse(plan.stopAt) - before - 3_600_000)).toBeLessThan(5_000);
    expect(Math.abs(only().guard.deadlineMs - Date.parse(plan.stopAt))).toBeLessThan(3_000);
    await world.autopod(['tunnel', '--stop']);
    const farther = (await world.autopod(['extend', '1h'])).stderr.replaceAll(/\s+/g, ' ');
    expect(farther).toContain('still goes by what it was told before');
    expect(Math.abs(only().guard.deadlineMs - Date.parse(plan.stopAt))).toBeLessThan(3_000);
  });

  it('goes by max_per_launch as well, and is armed again after a restart of the pod', async () => {
    await begin();
    await world.autopod(['up', '--local-port', 'auto', '--max-per-launch', '1']);
    expect(only().guard.state).toBe('armed');
    const { stopAt, limitUsd, guard } = await planOf();
    expect([limitUsd, guard.state]).toEqual([1, 'armed']);
    expect(Math.abs(only().guard.deadlineMs - Date.parse(stopAt))).toBeLessThan(3_000);
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

  it('is what config.json says for every pod, unless the command line says otherwise', async () => {
    await begin();
    expect((await world.autopod(['config', 'set', 'stop_after', '2h'])).code).toBe(0);
    expect((await world.autopod(['config', 'set', 'then', 'kill'])).code).toBe(0);
    const foreseen = async (...options: string[]) =>
      JSON.parse((await world.autopod(['up', '--dry-run', '--json', ...options])).stdout).autoStop;
    const plan = await foreseen();
    expect(Math.abs(Date.parse(plan.stopAt) - Date.now() - 7_200_000)).toBeLessThan(60_000);
    expect(plan.isForGood).toBe(true);
    expect(await foreseen('--stop-after', 'never')).toBeNull();
    expect(await foreseen('--idle-stop', '30m', '--then', 'stop')).toMatchObject({ idleMs: 1_800_000 });
    const bad = await world.autopod(['config', 'set', 'idle_stop', '30']);
    expect([bad.code, bad.stderr]).toEqual([2, expect.stringContaining('“30” is no duration')]);
  });

  it('is what config.json says for a pod of that name, and a misspelt one is refused', async () => {
    await begin();
    await world.autopod(['config', 'set', 'stop_after', '2h']);
    const path = join(world.home, 'config.json');
    const settings = JSON.parse(readFileSync(path, 'utf8'));
    const write = (own: object) =>
      writeFileSync(path, JSON.stringify({ ...settings, pods: { portraits: own } }));
    write({ stop_after: 'never', idle_stop: '20m' });
    const foreseen = async (name: string) =>
      JSON.parse((await world.autopod(['up', '--dry-run', '--json', '--name', name])).stdout).autoStop;
    expect(await foreseen('portraits')).toMatchObject({ stopAt: null, idleMs: 1_200_000 });
    expect(await foreseen('other')).toMatchObject({ stopAt: expect.any(String), idleMs: null });
    expect((await world.autopod(['up', '--local-port', 'auto', '--name', 'portraits'])).code).toBe(0);
    expect(only().guard.state).toBe('armed');
    expect((await world.autopod(['config', 'show'])).stdout).toContain('portraits: after 20m without use');
    write({ idle_stopp: '20m' });
    const bad = await world.autopod(['ls']);
    expect([bad.code, bad.stderr]).toEqual([2, expect.stringContaining('pods.portraits')]);
  });

  it('asks for a duration it can read', async () => {
    await begin();
    expect((await world.autopod(['extend', 'soon'])).code).toBe(2);
    expect((await world.autopod(['extend'])).code).toBe(2);
  });
});
