import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { canUnshare, IN_CONTAINER } from '../support/namespaces.ts';
import { pace } from '../support/pace.ts';
import { until } from '../support/until.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
afterEach(() => world.end());

const cli = join(import.meta.dirname, '..', '..', 'dist', 'cli.js');
/** The command line in a container that shares the home with us. */
const inContainer = (args: string[]) => {
  const [command = '', ...words] = [...IN_CONTAINER, process.execPath, cli, ...args];
  return spawn(command, words, { env: world.env, stdio: ['ignore', 'ignore', 'pipe'] });
};

describe.skipIf(!canUnshare)('a container and its host with one home', () => {
  it('buy one pod and have one keeper', async () => {
    world = await startWorld({ latencies: { imagePullMs: 1_500 * pace() } });
    const up = ['up', '--local-port', 'auto'];
    const host = world.start(up);
    const container = inContainer(up);
    const ended = once(container, 'exit');
    let keepers = 0;
    const counting = setInterval(() => {
      keepers = Math.max(keepers, world.keeperPids().length);
    }, 50);
    const [own, [code]] = await Promise.all([host.ended, ended]);
    clearInterval(counting);
    expect([own.code, code], own.stderr).toEqual([0, 0]);
    expect(await world.podIds()).toHaveLength(1);
    // One that finds the home taken leaves before it does anything.
    expect((await world.autopod(['tunnel', '--status', '--json'])).code).toBe(0);
    await until('one keeper', () => world.keeperPids().length === 1);
    expect(keepers).toBeGreaterThan(0);
  });

  it('follow one another, and take over from one that was killed', async () => {
    world = await startWorld({ latencies: { imagePullMs: 3_000 * pace() } });
    const container = inContainer(['up', '--local-port', 'auto']);
    await until('created', async () => (await world.podIds()).length === 1);
    const host = world.start(['up', '--local-port', 'auto']);
    let said = '';
    host.child.stderr?.on('data', (chunk) => {
      said += chunk;
    });
    await until('named', () => /in another container.*is already working on this pod/.test(said));
    container.kill('SIGKILL');
    expect((await host.ended).code, said).toBe(0);
    expect(await world.podIds()).toHaveLength(1);
  });
});
