import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sshConfig } from '../../src/keeper/ssh-config.ts';
import { HAS_SCRIPT, onTerminal } from '../support/terminal.ts';
import { until } from '../support/until.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
const up = (...more: string[]) => world.autopod(['up', '--local-port', 'auto', ...more]);
const idOf = async (name: string) => (await world.pods()).find((pod) => pod.name === name)?.id ?? '';

beforeAll(async () => {
  world = await startWorld();
  const run = await up('--name', 'my art');
  expect(run.code, run.stderr).toBe(0);
});
afterAll(() => world.end());

describe('a pod goes by its name', () => {
  it('as a host of ssh, in its letters', async () => {
    const path = join(world.home, 'ssh_config');
    await until('written', () => readFileSync(path, 'utf8').includes('Host '));
    expect(readFileSync(path, 'utf8')).toMatch(/^Host autopod-\S+ autopod-my-art autopod$/m);
  });

  it('in the tunnels', async () => {
    expect((await world.autopod(['tunnel', 'list'])).stdout).toMatch(/NAME[\s\S]*my art/);
    expect((await world.autopod(['tunnel', '--status'])).stdout).toMatch(
      /^Tunnel to \S+[\s\S]*Name: +my art/,
    );
    const { tunnels } = JSON.parse((await world.autopod(['tunnel', 'list', '--json'])).stdout);
    expect(tunnels).toMatchObject([{ name: 'my art' }]);
  });

  it.each(['connect', 'up --new'])('which %s gives to no second one', async (verb) => {
    const run = await world.autopod([...verb.split(' '), '--local-port', 'auto', '--name', 'my art']);
    expect([run.code, run.stderr]).toEqual([
      2,
      expect.stringMatching(/is called “my art” already\.[\s\S]*autopod up 'my art'/),
    ]);
    expect(await world.podIds()).toHaveLength(1);
    const same = await up('--name', 'my art');
    expect(same.code, same.stderr).toBe(0);
  });
});

it('as a host of ssh where two have the same name, neither has it', () => {
  const tunnel = (podId: string) =>
    ({
      view: { podId, address: { host: 'h', port: 1, user: 'root', bootId: 'b' }, controlPath: '/c' },
      wish: { keyPath: '/k', needsAgent: false },
    }) as Parameters<typeof sshConfig>[0][0];
  const hosts = (names: Record<string, string>) =>
    [...sshConfig([tunnel('p1'), tunnel('p2')], '/known', (id) => names[id]).matchAll(/^Host (.*)$/gm)].map(
      ([, words]) => words,
    );
  expect(hosts({ p1: 'art', p2: 'art' })).toEqual(['autopod-p1', 'autopod-p2']);
  expect(hosts({ p1: 'autopod-2026', p2: '**' })).toEqual(['autopod-p1 autopod-2026', 'autopod-p2']);
  expect(hosts({ p1: 'p2', p2: 'x y' })).toEqual(['autopod-p1', 'autopod-p2 autopod-x-y']);
});

describe.runIf(HAS_SCRIPT)('where several pods fit, a terminal offers them', () => {
  beforeAll(async () => {
    const run = await up('--new', '--name', 'second');
    expect(run.code, run.stderr).toBe(0);
  });

  it.each([
    [['info'], /Pod Information/],
    [['up'], /ComfyUI available/],
    [['tunnel', '--stop'], /Closed the tunnel/],
  ])('to %j, and what is picked is meant', async (argv, words) => {
    const terminal = onTerminal(world, argv, { columns: 120 });
    await terminal.when(/Several pods fit\. Which one\?[\s\S]*second/, '\r');
    const { code, screen } = await terminal.ended;
    expect(stripVTControlCharacters(screen)).toMatch(words);
    expect(code).toBe(0);
  });

  it('and picking none does nothing', async () => {
    const terminal = onTerminal(world, ['stop'], { columns: 120 });
    await terminal.when(/Which one\?/, '\u0003');
    expect((await terminal.ended).code).not.toBe(0);
    expect((await world.pods()).map(({ status }) => status)).toEqual(['RUNNING', 'RUNNING']);
    expect(await idOf('second')).not.toBe('');
  });
});
