import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TunnelView } from '../../src/keeper/client.ts';
import { freePort } from '../support/free-port.ts';
import { paced } from '../support/pace.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
let podId = '';
let port = '';
const tunnels = async (): Promise<TunnelView[]> =>
  JSON.parse((await world.autopod(['tunnel', 'list', '--json'])).stdout).tunnels;
const control = (path: string, body: object) =>
  fetch(`${world.simulator.controlUrl}/pods/${podId}/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

beforeAll(async () => {
  world = await startWorld();
  port = await freePort();
  expect((await world.autopod(['up', '--local-port', port])).code).toBe(0);
  [podId = ''] = await world.podIds();
});
afterAll(() => world.end());

describe('a command that asks changes nothing', () => {
  it.each(['status', 'info', 'open'])('comfy %s moves no tunnel, and says what does', async (verb) => {
    const other = await freePort();
    const args = verb === 'open' ? ['--no-browser'] : [];
    const run = await world.autopod(['comfy', verb, ...args, '--local-port', other]);
    expect([run.code, run.stderr]).toEqual([
      2,
      expect.stringContaining(`autopod tunnel ${podId} --local-port ${other}`),
    ]);
    expect(await tunnels()).toMatchObject([{ localPort: Number(port), state: 'healthy' }]);
    expect((await world.autopod(['comfy', verb, ...args, '--local-port', port])).code).toBe(0);
  });

  it('comfy status that has to open a tunnel says so, once, and how to close it', async () => {
    await world.autopod(['tunnel', '--stop']);
    const first = await world.autopod(['comfy', 'status']);
    expect([first.code, first.stderr]).toEqual([
      0,
      `Opened the tunnel to pod ${podId} at localhost:${port}. It stays; close it with: autopod tunnel ${podId} --stop\n`,
    ]);
    const second = await world.autopod(['comfy', 'status']);
    expect([second.code, second.stderr]).toEqual([0, '']);
  });
});

describe('exit codes say the same of the same', () => {
  it.each([
    ['answers', 'up', 0],
    ['is down', 'down', 1],
  ])('comfy open and comfy status, when ComfyUI %s', async (_, state, code) => {
    await control('comfy', { state });
    const open = await world.autopod(['comfy', 'open', '--no-browser', '--timeout', paced(5)]);
    const status = await world.autopod(['comfy', 'status', '--no-wait']);
    expect([open.code, status.code]).toEqual([code, code]);
    await control('comfy', { state: 'up' });
  });

  it('of a pod that runs, start and start --no-wait; of one that is stopped, stop and stop', async () => {
    const started = await world.autopod(['start', '--no-wait']);
    expect([started.code, started.stdout]).toEqual([0, expect.stringContaining('is already running')]);
    expect((await world.autopod(['start'])).code).toBe(0);
    expect((await world.autopod(['stop'])).code).toBe(0);
    expect((await world.autopod(['stop'])).code).toBe(0);
    const open = await world.autopod(['comfy', 'open', '--no-browser']);
    const status = await world.autopod(['comfy', 'status']);
    expect([open.code, status.code]).toEqual([1, 1]);
    expect((await world.autopod(['start', '--no-wait'])).stdout).toContain('RunPod is starting pod');
  });
});
