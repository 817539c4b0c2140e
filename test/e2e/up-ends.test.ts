import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TunnelView } from '../../src/keeper/client.ts';
import { freePort } from '../support/free-port.ts';
import { pace, paced } from '../support/pace.ts';
import { sample } from '../support/sample.ts';
import { until } from '../support/until.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
const control = async (action: string, body: object = {}) => {
  const [podId] = await world.podIds();
  const answer = await fetch(`${world.simulator.controlUrl}/pods/${podId}/${action}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(answer.ok).toBe(true);
};
const tunnel = async (): Promise<TunnelView | undefined> =>
  JSON.parse((await world.autopod(['tunnel', 'list', '--json'])).stdout).tunnels[0];

describe('up, when the pod is not what it was', () => {
  let port = '';
  beforeEach(async () => {
    world = await startWorld();
    port = await freePort();
    expect((await world.autopod(['up', '--local-port', port])).code).toBe(0);
  });
  afterEach(() => world.end());

  it.each(
    sample(1, [
      ['down', 'its ssh port refuses connections'],
      ['frozen', 'its ssh port takes connections and says nothing'],
    ]),
  )('tells an sshd that is %s as what it is, with the keeper’s words', async (state, words) => {
    await control('sshd', { state });
    await until('not healthy', async () => (await tunnel())?.state !== 'healthy');
    const run = await world.autopod(['up', '--timeout', paced(15)]);
    await control('sshd', { state: 'up' });
    expect([run.code, run.stderr]).toEqual([1, expect.stringContaining('cannot be reached over ssh')]);
    expect(run.stderr).toContain(words);
  });

  it.each(['exit', 'terminate'])(
    'ends at once when the pod meets %s while ComfyUI starts',
    async (action) => {
      await control('comfy', { state: 'down' });
      const begun = performance.now();
      const { child, ended } = world.start(['up', '--timeout', '10m']);
      let told = '';
      child.stderr?.on('data', (text) => {
        told += text;
      });
      await until('ComfyUI is waited for', () => /ComfyUI/.test(told));
      await control(action);
      const { code, stderr } = await ended;
      expect(code, stderr).toBe(1);
      expect(stderr).toMatch(action === 'exit' ? /is not running/ : /gone|no longer/);
      expect(performance.now() - begun).toBeLessThan(60_000 * pace());
    },
  );
});
