import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { keeperClient } from '../../src/keeper/client.ts';
import { describeHome } from '../../src/store/home.ts';
import { freePort } from '../support/free-port.ts';
import { commandLine, signal } from '../support/processes.ts';
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

describe('a process that outlives the keeper it started, as a server does', () => {
  it('starts another while the guardian of the one that has left is still on its way out', async () => {
    world = await startWorld();
    const client = keeperClient(describeHome(world.home), world.env);
    await client.ensureRunning();
    const [keeper = 0] = world.keeperPids();
    const guardian = world.processes().filter((pid) => commandLine(pid).includes('autopod-guardian'));
    expect(signal(guardian, 'SIGSTOP')).toBe(1);
    signal(keeper, 'SIGTERM');
    await until('left', async () => (await client.pid()) === undefined);
    const another = client.ensureRunning();
    await sleep(500);
    signal(guardian, 'SIGCONT');
    await another;
    expect(await client.pid()).not.toBe(keeper);
  });
});
