import type { ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import type { ScenarioInput } from '../../sim/scenario.ts';
import { pace } from '../support/pace.ts';
import { until } from '../support/until.ts';
import { EMPTY_IMAGE, workflowFile } from '../support/workflows.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
afterEach(() => world.end());

const up = ['up', '--local-port', 'auto'];
const begin = async (scenario: ScenarioInput) => {
  world = await startWorld(scenario);
  return world.start(up);
};
/** Resolves when it has said so on stderr. */
const said = (child: ChildProcess, words: string) =>
  new Promise<void>((resolve) => {
    let text = '';
    (child.stderr as Readable).on('data', (chunk) => {
      text += chunk;
      if (text.includes(words)) resolve();
    });
  });
const goesOn = async () => {
  const run = await world.autopod(up);
  expect(run.code, run.stderr).toBe(0);
  expect(await world.podIds()).toHaveLength(1);
};
const interrupted = { code: 130, stderr: expect.stringMatching(/Interrupted[\s\S]*autopod up/) };

describe('Ctrl-C leaves what up goes on with, and one pod', () => {
  it('while a create is awaited that made none', async () => {
    const { child, ended } = await begin({ faults: [{ kind: 'stallBefore', route: 'createPod' }] });
    await until('asked', () => world.simulator.world.faults.pending.length === 0);
    child.kill('SIGINT');
    const run = await ended;
    expect(run).toMatchObject(interrupted);
    expect(run.stderr).toContain('RunPod was being asked for a pod and may have made one');
    await goesOn();
  });

  it('before a create is asked for, and says that there is none', async () => {
    const { child, ended } = await begin({ faults: [{ kind: 'stallBefore', route: 'listGpuTypes' }] });
    await until('asked', () => world.simulator.world.faults.pending.length === 0);
    child.kill('SIGINT');
    const run = await ended;
    expect(run).toMatchObject(interrupted);
    expect(run.stderr).toContain('No pod was created, so nothing costs.');
    await goesOn();
  });

  it.each([
    ['up', 'listPods'],
    ['kill -y', 'listPods'],
    ['run FILE --up --out HOME', 'listPods'],
  ] as const)('before %s has begun anything, and says so', async (command, route) => {
    world = await startWorld({ faults: [{ kind: 'stallBefore', route }] });
    const file = workflowFile(world.home, 'fox.json', EMPTY_IMAGE);
    const { child, ended } = world.start(
      command.replace('FILE', file).replace('HOME', world.home).split(' '),
    );
    await until('asked', () => world.simulator.world.faults.pending.length === 0);
    child.kill('SIGINT');
    const { code, stderr } = await ended;
    expect(code).toBe(130);
    expect(stderr).toContain('Interrupted. Nothing was begun: no pod was created or changed.');
    expect(await world.podIds()).toEqual([]);
  });

  it('while ComfyUI starts', async () => {
    const { child, ended } = await begin({ latencies: { comfyStartMs: 3_000 } });
    await said(child, 'ComfyUI starting');
    child.kill('SIGINT');
    const run = await ended;
    expect(run).toMatchObject(interrupted);
    expect(run.stderr).toMatch(/Interrupted\. Pod \S+ is RUNNING and costs \$0\.40\/h/);
    await goesOn();
  });

  it('pressed twice, at once', async () => {
    const { child, ended } = await begin({ latencies: { imagePullMs: 2_000 * pace() } });
    await said(child, 'Booting');
    const pressedAt = Date.now();
    child.kill('SIGINT');
    child.kill('SIGINT');
    expect((await ended).code).toBe(130);
    expect(Date.now() - pressedAt).toBeLessThan(1_500);
    await goesOn();
  });
});
