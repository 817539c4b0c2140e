import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TunnelView } from '../../src/keeper/client.ts';
import { freePort } from '../support/free-port.ts';
import { paced } from '../support/pace.ts';
import { statusAt } from '../support/status-at.ts';
import { until } from '../support/until.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
const tunnels = async (): Promise<TunnelView[]> =>
  JSON.parse((await world.autopod(['tunnel', 'list', '--json'])).stdout).tunnels;

describe('the port of a tunnel that waits for a stopped pod', () => {
  let port = '';
  let stopped = '';
  beforeAll(async () => {
    world = await startWorld();
    port = await freePort();
    expect((await world.autopod(['up', '--local-port', port])).code).toBe(0);
    [stopped = ''] = await world.podIds();
  });
  afterAll(() => world.end());

  it('is not given up while the pod runs', async () => {
    const run = await world.autopod(['up', '--new', '--local-port', port]);
    expect([run.code, run.stderr]).toEqual([1, expect.stringContaining(stopped)]);
    expect(await world.podIds()).toHaveLength(1);
  });

  it('goes to another pod that is bought for it, which says so and tells it in JSON', async () => {
    expect((await world.autopod(['stop'])).code).toBe(0);
    await until('waiting', async () => (await tunnels())[0]?.state === 'waitingForPod');
    const run = await world.autopod(['up', '--new', '--name', 'other', '--local-port', port]);
    expect([run.code, run.stderr]).toEqual([
      0,
      expect.stringContaining(`Port ${port} was kept for stopped pod ${stopped}`),
    ]);
    expect(await tunnels()).toMatchObject([{ localPort: Number(port), state: 'healthy' }]);
    expect(await statusAt(Number(port))).toBe(200);
    const back = await world.autopod(['tunnel', stopped, '--local-port', 'auto', '--timeout', paced(5)]);
    expect(back.stdout).toContain('waiting for the pod to run');
    expect((await world.autopod(['stop', 'other'])).code).toBe(0);
    await until('both wait', async () => (await tunnels()).every(({ state }) => state === 'waitingForPod'));
    const taken = await world.autopod(['tunnel', stopped, '--local-port', port, '--json']);
    expect(JSON.parse(taken.stdout)).toMatchObject({
      localPort: Number(port),
      tookPortFrom: expect.any(String),
    });
  });
});
