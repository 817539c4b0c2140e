import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TunnelView } from '../../src/keeper/client.ts';
import { freePort } from '../support/free-port.ts';
import { until } from '../support/until.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
let usual = '';
let taken: Server;
let takenPort = '';
const tunnels = async (): Promise<TunnelView[]> =>
  JSON.parse((await world.autopod(['tunnel', 'list', '--json'])).stdout).tunnels;
const url = async (args: string[]): Promise<string> => {
  const run = await world.autopod([...args, '--json']);
  return JSON.parse(run.stdout).url ?? JSON.parse(run.stdout).error?.code ?? null;
};
const at = (port: string) => `http://localhost:${port}`;

beforeAll(async () => {
  world = await startWorld();
  usual = await freePort();
  taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  takenPort = String((taken.address() as { port: number }).port);
  expect(await url(['up', '--local-port', usual])).toBe(at(usual));
});
afterAll(async () => {
  taken.close();
  await world.end();
});

describe('what was asked once and failed, or for once, is not remembered', () => {
  it.each(['up', 'start', 'restart'])(
    'a port that was refused to %s is not asked for again',
    async (verb) => {
      expect(await url([verb, '--local-port', takenPort])).toBe('localPortTaken');
      expect(await url(['up'])).toBe(at(usual));
    },
  );

  it('a tunnel that was moved stays where it is, and comes back there', async () => {
    const other = await freePort();
    expect((await world.autopod(['tunnel', '--local-port', other])).code).toBe(0);
    expect(await url(['up'])).toBe(at(other));
    expect((await world.autopod(['tunnel', '--stop'])).code).toBe(0);
    expect(await url(['up'])).toBe(at(other));
    usual = other;
  });

  it('--no-tunnel holds for one run: the tunnel that stands is told, and the next up opens one', async () => {
    expect(await url(['up', '--no-tunnel'])).toBe(at(usual));
    const [standing] = await tunnels();
    expect(standing).toMatchObject({ localPort: Number(usual), isTemporary: false });
    await world.autopod(['tunnel', '--stop']);
    expect(await url(['up', '--no-tunnel'])).toBe(null);
    expect(await tunnels()).toEqual([]);
    expect(await url(['up'])).toBe(at(usual));
  });

  it('an interrupted run says with which options to go on', async () => {
    await fetch(`${world.simulator.controlUrl}/pods/${(await world.podIds())[0]}/comfy`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ state: 'down' }),
    });
    const other = await freePort();
    const { child, ended } = world.start(['up', '--local-port', other]);
    await until('waiting for ComfyUI', async () => (await tunnels())[0]?.localPort === Number(other));
    child.kill('SIGINT');
    const { stderr } = await ended;
    expect(stderr).toMatch(new RegExp(`autopod up \\S+ --local-port ${other}`));
  });
});
