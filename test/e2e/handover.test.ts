import { afterEach, describe, expect, it } from 'vitest';
import { keeperClient } from '../../src/keeper/client.ts';
import { describeHome } from '../../src/store/home.ts';
import { freePort } from '../support/free-port.ts';
import { until } from '../support/until.ts';
import { leftRunning, startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
afterEach(() => world.end());

describe('a command of a later version than the keeper', () => {
  it('has it replaced, and the tunnel is taken over with its ssh and its port', async () => {
    world = await startWorld();
    expect((await world.autopod(['up', '--local-port', await freePort()])).code).toBe(0);
    const home = describeHome(world.home);
    const [before] = await keeperClient(home, world.env).seen();
    const [keeper] = world.keeperPids();
    const later = keeperClient(home, world.env, '999.0.0');
    await later.ensureRunning();
    await until('another keeper', () => world.keeperPids().some((pid) => pid !== keeper));
    await until('healthy', async () => (await later.seen())[0]?.state === 'healthy');
    const [replaced] = world.keeperPids();
    await keeperClient(home, world.env, '0.0.1').ensureRunning();
    expect(world.keeperPids()).toEqual([replaced]);
    const [after] = await later.seen();
    expect([after?.sshPid, after?.localPort]).toEqual([before?.sshPid, before?.localPort]);
    expect((await world.autopod(['tunnel', '--stop'])).code).toBe(0);
    expect(await leftRunning(world)).toEqual([]);
  });
});
