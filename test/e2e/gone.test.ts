import { afterEach, describe, expect, it } from 'vitest';
import { sample } from '../support/sample.ts';
import { leftRunning, startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
afterEach(() => world.end());

const up = ['up', '--local-port', 'auto'];
const endInConsole = async (podId: string) => {
  await fetch(`${world.simulator.controlUrl}/pods/${podId}/terminate`, { method: 'POST' });
};

describe('a pod ended in RunPod’s console', () => {
  it('is forgotten by ls with its tunnel and a word, and is not counted', async () => {
    world = await startWorld();
    await world.autopod(up);
    const [podId = ''] = await world.podIds();
    await endInConsole(podId);
    const listed = await world.autopod(['ls']);
    expect(listed).toMatchObject({ code: 0, stdout: '' });
    expect(listed.stderr).toMatch(new RegExp(`${podId} is gone[\\s\\S]*No pods`));
    expect((await world.autopod(['ls'])).stderr).not.toContain(podId);
    expect(await leftRunning(world)).toEqual([]);
  });

  it.each(sample(1, [[['info']], [['comfy', 'status']], [['stop']]]))(
    'does not stand in the way of %j of the one that is left',
    async (command) => {
      world = await startWorld();
      await world.autopod([...up, '--name', 'ended']);
      const [ended = ''] = await world.podIds();
      await world.autopod([...up, '--new', '--name', 'left']);
      await endInConsole(ended);
      const run = await world.autopod(command);
      expect([run.code, run.stderr]).toEqual([0, expect.stringContaining(`${ended} is gone`)]);
      expect((await world.autopod(['info', ended])).code).toBe(1);
    },
  );

  it('is forgotten by the info that names it', async () => {
    world = await startWorld();
    await world.autopod([...up, '--name', 'ended']);
    const [podId = ''] = await world.podIds();
    await endInConsole(podId);
    const run = await world.autopod(['info', 'ended']);
    expect([run.code, run.stderr]).toEqual([1, expect.stringMatching(/is gone[\s\S]*no pod/i)]);
    expect(JSON.parse((await world.autopod(['ls', '--json'])).stdout).pods).toEqual([]);
  });
});

it('a pod that RunPod’s list merely lacks is kept: it is asked for by its id', async () => {
  world = await startWorld();
  await world.autopod(up);
  world.simulator.world.rewrite({ ...world.simulator.world.scenario, listLagMs: 600_000 });
  const listed = JSON.parse((await world.autopod(['ls', '--json'])).stdout);
  expect(listed.pods).toMatchObject([
    { podId: (await world.podIds())[0], state: 'ready', status: 'RUNNING', gpu: '1x A40' },
  ]);
  expect(listed.totalPerHour).toBeGreaterThan(0);
});

it('a pod just made that only the list lacks is shown as it is', async () => {
  world = await startWorld({ listLagMs: 600_000, latencies: { imagePullMs: 600_000 } });
  const { child, ended } = world.start(up);
  let said = '';
  child.stderr?.on('data', (chunk) => {
    said += chunk;
  });
  await expect.poll(() => said, { timeout: 60_000 }).toContain('Created pod');
  child.kill('SIGINT');
  await ended;
  const listed = JSON.parse((await world.autopod(['ls', '--json'])).stdout);
  expect(listed.pods).toMatchObject([{ podId: (await world.podIds())[0], gpu: '1x A40' }]);
  expect(['PROVISIONING', 'STARTING']).toContain(listed.pods[0].status);
});

it('a pod so young that RunPod may not know it yet is kept', async () => {
  world = await startWorld({ getLagMs: 600_000, listLagMs: 600_000 });
  const { child, ended } = world.start(up);
  while ((await world.podIds()).length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
  await new Promise((resolve) => setTimeout(resolve, 500));
  child.kill('SIGINT');
  await ended;
  expect(JSON.parse((await world.autopod(['ls', '--json'])).stdout).pods).toMatchObject([
    { status: 'not listed yet' },
  ]);
});

it('history tells of a pod long gone by its id, and shows pods by their names', async () => {
  world = await startWorld();
  await world.autopod([...up, '--name', 'first']);
  const [podId = ''] = await world.podIds();
  await world.autopod(['kill', '-y']);
  await world.autopod([...up, '--name', 'second']);
  const shown = await world.autopod(['history', podId]);
  expect(shown.stdout).toMatch(/pod {5}Creating the pod[\s\S]*pod {5}Ready[\s\S]*pod {5}Ended/);
  expect(shown.stdout).toContain('tunnel');
  const all = await world.autopod(['history']);
  expect(all.stdout).toMatch(/first {2}pod {5}Ready[\s\S]*second {2}pod {5}Ready/);
  expect(all.stdout).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-/);
  const { entries } = JSON.parse((await world.autopod(['history', podId, '--json'])).stdout);
  expect(new Set(entries.map((entry: { podId: string }) => entry.podId))).toEqual(new Set([podId]));
});
