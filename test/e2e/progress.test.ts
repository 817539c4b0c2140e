import { afterEach, describe, expect, it } from 'vitest';
import { pace, paced } from '../support/pace.ts';
import { until } from '../support/until.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
afterEach(() => world.end());

const up = ['up', '--local-port', 'auto'];
const count = (text: string, words: RegExp) => [...text.matchAll(new RegExp(words, 'g'))].length;

describe('progress is about this boot', () => {
  it('start and restart tell nothing of the boots before', async () => {
    // Long enough to be seen on a busy machine.
    world = await startWorld({ latencies: { imagePullMs: 1_500 * pace() } });
    const first = await world.autopod(up);
    expect(first.stderr).toMatch(/Pulling from[\s\S]*start container[\s\S]*To see the GUI/);
    expect((await world.autopod(['stop'])).code).toBe(0);
    for (const command of [['start', '--local-port', 'auto'], ['restart']]) {
      const run = await world.autopod(command);
      expect(run.code, run.stderr).toBe(0);
      expect(run.stderr).not.toMatch(/pulling the image: \d/);
      expect(count(run.stderr, /start container/), run.stderr).toBeLessThanOrEqual(1);
      expect(count(run.stderr, /To see the GUI/), run.stderr).toBeLessThanOrEqual(1);
    }
  });

  it('up on a pod that runs does not say it boots, nor what its ComfyUI said before it went down', async () => {
    world = await startWorld();
    await world.autopod(up);
    const [podId] = await world.podIds();
    await fetch(`${world.simulator.controlUrl}/pods/${podId}/comfy`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ state: 'down' }),
    });
    const run = await world.autopod([...up, '--timeout', paced(4)]);
    expect([run.code, run.stderr]).toEqual([1, expect.stringContaining('ComfyUI starting')]);
    expect(run.stderr).not.toMatch(/Booting|To see the GUI|start container|Pulling/);
  });

  it('an up that goes on with an interrupted boot tells what comes from then on', async () => {
    world = await startWorld({ latencies: { imagePullMs: 3_000 * pace() } });
    const { child, ended } = world.start(up);
    await until('pulling', async () => (await world.pods())[0]?.status === 'STARTING');
    child.kill('SIGINT');
    await ended;
    const run = await world.autopod(up);
    expect(run.code, run.stderr).toBe(0);
    expect(run.stderr).toMatch(/Booting[\s\S]*start container[\s\S]*To see the GUI/);
    expect(run.stderr).not.toContain('create container');
  });
});

it('progress speaks of a volume only where there is one', async () => {
  world = await startWorld();
  const without = await world.autopod(up);
  expect(without.stderr).toContain('Planning the placement');
  expect(without.stderr).not.toMatch(/Checking the volume|Volume validated/);
  const withVolume = await world.autopod([...up, '--new', '--volume-id', 'abc123xyz']);
  expect(withVolume.stderr).toMatch(/Checking the volume[\s\S]*Volume validated/);
});
