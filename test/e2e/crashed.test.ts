import { afterEach, expect, it } from 'vitest';
import type { ScenarioInput } from '../../sim/scenario.ts';
import { paced } from '../support/pace.ts';
import { sample } from '../support/sample.ts';
import { until } from '../support/until.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
afterEach(() => world.end());

const up = ['up', '--local-port', 'auto'];
const CRASHED = /has crashed[\s\S]*ModuleNotFoundError: No module named 'einops'/;

async function crashed(scenario: ScenarioInput = {}) {
  world = await startWorld({ comfyui: { crashes: true }, ...scenario });
  const run = await world.autopod(up);
  expect([run.code, run.stderr]).toEqual([1, expect.stringMatching(CRASHED)]);
  const [id = ''] = await world.podIds();
  return world.simulator.world.pod(id);
}

it('a ComfyUI that crashed is told at once with its last lines, also by commands that did not see it', async () => {
  await crashed();
  const again = await world.autopod(up);
  expect([again.code, again.stderr]).toEqual([1, expect.stringMatching(CRASHED)]);
  const asked = await world.autopod(['comfy', 'status', '--no-wait']);
  expect([asked.code, asked.stderr]).toEqual([1, expect.stringMatching(CRASHED)]);
  const waited = await world.autopod(['comfy', 'status', '--timeout', '10m', '--json']);
  expect([waited.code, JSON.parse(waited.stdout).error]).toEqual([
    1,
    expect.objectContaining({
      code: 'comfyCrashed',
      detail: expect.objectContaining({ lines: expect.any(Array) }),
    }),
  ]);
});

it('one that was brought up by hand after its crash is ready', async () => {
  const pod = await crashed();
  pod.comfyui.start();
  const run = await world.autopod(up);
  expect(run.code, run.stderr).toBe(0);
});

it.each(sample(1, ['down', 'hanging']))(
  'one that had been ready and is %s is not told as starting',
  async (state) => {
    world = await startWorld();
    expect((await world.autopod(up)).code).toBe(0);
    const [id = ''] = await world.podIds();
    await fetch(`${world.simulator.controlUrl}/pods/${id}/comfy`, {
      method: 'POST',
      body: JSON.stringify({ state }),
    });
    const waited = await world.autopod(['comfy', 'status', '--timeout', paced(12)]);
    expect([waited.code, waited.stdout]).toEqual([1, 'ComfyUI: Not answering (it has been up)\n']);
    expect(waited.stderr).toContain('ComfyUI has been up and does not answer now; waiting for it');
    expect(waited.stderr).toMatch(/does not answer any more[\s\S]*start it anew with `autopod restart \S+`/);
    expect((await world.autopod(['restart', '--local-port', 'auto'])).code).toBe(0);
  },
);

it('the crash of an earlier boot is no crash of this one', async () => {
  await crashed();
  const scenario = JSON.stringify({
    comfyui: { crashes: false },
    latencies: { laterBoot: { comfyStartMs: 1_500 } },
  });
  await fetch(`${world.simulator.controlUrl}/scenario`, { method: 'PATCH', body: scenario });
  const run = await world.autopod(['restart', '--local-port', 'auto']);
  expect(run.code, run.stderr).toBe(0);
});

for (const [reason, code] of [
  ['CUDA_VERSION_MISMATCH', 'gpuUnusable'],
  ['IMAGE_NOT_FOUND', 'podNotRunning'],
] as const) {
  it(`a pod that RunPod stops in its boot for ${reason} is told with that`, async () => {
    world = await startWorld({ latencies: { imagePullMs: 60_000 } });
    const launching = world.start([...up, '--json']);
    const pod = await until('the pod', () => [...world.simulator.world.pods.values()][0]);
    const isRead = () =>
      world.simulator.world.requests.entries.some(({ path }) => path.includes('source=system'));
    await until('its log asked for', isRead);
    pod.log.add('system', `error: ${reason}`);
    await until('the line read', () => new Promise((resolve) => setTimeout(() => resolve(true), 300)));
    world.simulator.world.halt(pod, 'EXITED');
    const { error } = JSON.parse((await launching.ended).stdout);
    expect([error.code, `${error.message} ${error.hint}`]).toEqual([code, expect.stringContaining(reason)]);
  });
}
