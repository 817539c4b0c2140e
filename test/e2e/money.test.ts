import { afterEach, describe, expect, it } from 'vitest';
import type { ScenarioInput } from '../../sim/scenario.ts';
import { paced } from '../support/pace.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
afterEach(() => world.end());
const begin = async (scenario: ScenarioInput = {}) => {
  world = await startWorld(scenario);
};
const up = ['up', '--local-port', 'auto'];

describe('placement at RunPod', () => {
  it('a GPU out of stock gives way to the next preference', async () => {
    await begin({
      stock: { 'NVIDIA A40': { 'US-GA-1': 'NONE' }, 'NVIDIA RTX A6000': { 'US-GA-1': 'HIGH' } },
    });
    const run = await world.autopod([
      ...up,
      '--gpu',
      'A40',
      '--gpu',
      'RTX A6000',
      '--volume-id',
      'abc123xyz',
    ]);
    expect(run.code, run.stderr).toBe(0);
    expect((await world.pods())[0]?.gpu?.id).toBe('NVIDIA RTX A6000');
  });

  it('a GPU the account may not use gives way to the next preference', async () => {
    await begin({ closedGpus: ['NVIDIA A40'] });
    const run = await world.autopod([...up, '--gpu', 'A40', '--gpu', 'RTX A6000']);
    expect(run.code, run.stderr).toBe(0);
    expect((await world.pods())[0]?.gpu?.id).toBe('NVIDIA RTX A6000');
  });

  it('nothing in stock: it says so, what there is instead, and buys nothing', async () => {
    await begin({ stock: { 'NVIDIA A40': { 'US-GA-1': 'NONE' }, 'NVIDIA L40S': { 'US-GA-1': 'LOW' } } });
    const run = await world.autopod([...up, '--gpu', 'A40', '--volume-id', 'abc123xyz']);
    expect([run.code, run.stderr]).toEqual([1, expect.stringMatching(/None of the GPUs[\s\S]*L40S/)]);
    expect(await world.podIds()).toEqual([]);
    const other = await world.autopod([...up, '--gpu', 'L40S', '--volume-id', 'abc123xyz']);
    expect(other.code, 'the next up has its own options').toBe(0);
  });

  it('an empty balance stops at once', async () => {
    await begin({ balance: 0 });
    const run = await world.autopod(up);
    expect([run.code, run.stderr]).toEqual([1, expect.stringContaining('no balance')]);
    expect(await world.podIds()).toEqual([]);
  });
});

describe('time and money', () => {
  it('a boot that takes too long keeps the pod, says what it costs and how to go on', async () => {
    await begin({ latencies: { imagePullMs: 60_000 } });
    const run = await world.autopod([...up, '--timeout', paced(5)]);
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(/has not booted in time[\s\S]*\$0\.\d\d\/h[\s\S]*autopod up/);
    expect(await world.podIds()).toHaveLength(1);
  });

  it('a ComfyUI that takes too long keeps the pod, and tells where its log is', async () => {
    await begin({ latencies: { comfyStartMs: 60_000 } });
    const run = await world.autopod([...up, '--timeout', paced(8)]);
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(/autopod logs( \w+)? --container/);
    const status = await world.autopod(['comfy', 'status', '--no-wait']);
    expect(status).toMatchObject({ code: 1, stdout: 'ComfyUI: Starting (container still initializing)\n' });
    expect((await world.autopod(['kill', '-y'])).code).toBe(0);
  });

  it('a pod that comes back without a GPU is reported, not used', async () => {
    await begin({ zeroGpusOnResume: true });
    expect((await world.autopod(up)).code).toBe(0);
    expect((await world.autopod(['stop'])).code).toBe(0);
    const run = await world.autopod(['start']);
    expect([run.code, run.stderr]).toEqual([1, expect.stringContaining('without a GPU')]);
  });

  it('--no-tunnel proves readiness and leaves no tunnel', async () => {
    await begin();
    const run = await world.autopod(['up', '--no-tunnel']);
    expect(run.code, run.stderr).toBe(0);
    expect(run.stdout).toContain('No tunnel is kept');
    expect(JSON.parse((await world.autopod(['tunnel', '--status', '--json'])).stdout)).toEqual({
      tunnels: [],
    });
    const opened = await world.autopod(['tunnel', '--local-port', 'auto']);
    expect([opened.code, opened.stdout]).toEqual([
      0,
      expect.stringMatching(/^ComfyUI available at http:\/\/localhost:\d+\n$/),
    ]);
  });

  it('--expose makes a port public and says what that means; without it nothing is', async () => {
    await begin();
    const run = await world.autopod([...up, '--expose', '8188:ComfyUI']);
    expect(run.code, run.stderr).toBe(0);
    expect(run.stderr).toMatch(/public on the internet[\s\S]*no password/);
    expect((await world.pods())[0]?.ports).toEqual(['22/tcp', '8188/http']);
  });

  it('with two pods no command guesses which one is meant (I12)', async () => {
    await begin();
    expect((await world.autopod(up)).code).toBe(0);
    expect((await world.autopod([...up, '--new', '--name', 'second'])).code).toBe(0);
    for (const args of [['stop'], ['kill', '-y'], ['info'], ['up']]) {
      const run = await world.autopod(args);
      expect([run.code, run.stderr], args.join(' ')).toEqual([1, expect.stringContaining('several pods')]);
    }
    expect(await world.podIds()).toHaveLength(2);
    expect((await world.autopod(['kill', 'second', '-y'])).code).toBe(0);
    expect(await world.podIds()).toHaveLength(1);
  });

  it('a pod made elsewhere can be seen, named and ended', async () => {
    await begin();
    const body = {
      name: 'theirs',
      image: 'x',
      gpu: { id: 'NVIDIA A40', count: 1 },
      ports: ['22/tcp'],
      disk: 10,
    };
    const headers = { authorization: 'Bearer sim-key', 'content-type': 'application/json' };
    await fetch(`${world.simulator.url}/pods`, { method: 'POST', headers, body: JSON.stringify(body) });
    expect((await world.autopod(['ls'])).stdout).toContain('theirs');
    expect((await world.autopod(['info', 'theirs'])).code).toBe(0);
    expect((await world.autopod(['kill', 'theirs', '-y'])).code).toBe(0);
    expect(await world.podIds()).toEqual([]);
  });
});
