import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { DEFAULT_GPUS } from '../../sim/catalog/gpus.ts';
import { until } from '../support/until.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
afterEach(() => world.end());

/** A GPU that costs a dollar a second. */
const begin = async () => {
  const gpus = DEFAULT_GPUS.map((gpu) => ({ ...gpu, price: { ...gpu.price, secure: 3600 } }));
  world = await startWorld({ gpus });
};
const up = ['up', '--local-port', 'auto'];
const listed = async () => JSON.parse((await world.autopod(['ls', '--json'])).stdout).pods[0];

describe('what a pod has cost', () => {
  it('goes on over stop and start, and is told by stop, ls, info and kill', async () => {
    await begin();
    await world.autopod(up);
    await until('two dollars', async () => (await listed()).spent >= 2);
    const stop = await world.autopod(['stop']);
    expect(stop.stdout).toMatch(/This run cost \$([2-9]|\d\d+)\.\d\d\./);
    const first = await listed();
    expect(first).toMatchObject({ status: 'EXITED', spentThisRun: 0, isSpentAtLeast: false });
    expect(first.spent).toBeGreaterThanOrEqual(2);
    await sleep(1_500);
    expect((await listed()).spent, 'stopped time is free').toBe(first.spent);
    expect((await world.autopod(['ls'])).stdout).toContain(`$${first.spent.toFixed(2)} `);
    await world.autopod(['start', '--local-port', 'auto']);
    await until('a dollar more', async () => (await listed()).spentThisRun >= 1);
    const second = await listed();
    expect(second.spent).toBeCloseTo(first.spent + second.spentThisRun, 5);
    expect((await world.autopod(['info'])).stdout).toMatch(/\$\d+\.\d\d in [\dms ]+, \$\d+\.\d\d in all/);
    const kill = await world.autopod(['kill', '-y', '--json']);
    expect(JSON.parse(kill.stdout).spent).toBeGreaterThanOrEqual(second.spent);
  });

  it('goes on over a restart', async () => {
    await begin();
    await world.autopod(up);
    await until('a dollar', async () => (await listed()).spent >= 1);
    await world.autopod(['restart']);
    const { spent, spentThisRun, isSpentAtLeast } = await listed();
    expect(spent).toBeGreaterThanOrEqual(spentThisRun + 1);
    expect(isSpentAtLeast).toBe(false);
  });

  it('is said to be a lower bound after a stop that autopod did not make', async () => {
    await begin();
    await world.autopod(up);
    await until('a dollar', async () => (await listed()).spent >= 1);
    const [podId] = await world.podIds();
    await fetch(`${world.simulator.controlUrl}/pods/${podId}/exit`, { method: 'POST' });
    expect(await listed()).toMatchObject({ status: 'EXITED', isSpentAtLeast: true });
    expect((await world.autopod(['ls'])).stdout).toMatch(/\$\d+\.\d\d\+/);
    expect((await world.autopod(['info'])).stdout).toMatch(/at least \$\d+\.\d\d in all/);
  });
});
