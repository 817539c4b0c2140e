import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ScenarioInput } from '../../sim/scenario.ts';
import { pace } from '../support/pace.ts';
import { sample } from '../support/sample.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
const begin = async (scenario: ScenarioInput = {}) => {
  world = await startWorld(scenario);
};
afterEach(() => world.end());

const up = ['up', '--local-port', 'auto'];

describe('an answer to the create that is lost or wrong never buys a second pod (I2)', () => {
  const faults: Record<string, ScenarioInput['faults']> = {
    'the answer is lost after the pod was made': [{ route: 'createPod', kind: 'dropAfter' }],
    'the request is lost before it arrives': [{ route: 'createPod', kind: 'dropBefore' }],
    'a 500 after the pod was made': [{ route: 'createPod', kind: 'status', status: 500, after: true }],
    'a 502 with nothing made': [{ route: 'createPod', kind: 'status', status: 502 }],
    'an answer that is not JSON': [{ route: 'createPod', kind: 'garbage' }],
    'two lost answers in a row, the second with a pod': [
      { route: 'createPod', kind: 'dropBefore' },
      { route: 'createPod', kind: 'dropAfter' },
    ],
    'rate limited first': [{ route: 'createPod', kind: '429', retryAfterSeconds: 1 }],
  };
  for (const [title, list] of Object.entries(faults)) {
    it(title, async () => {
      await begin({ faults: list });
      const run = await world.autopod(up);
      expect(run, run.stderr).toMatchObject({ code: 0 });
      expect(await world.podIds()).toHaveLength(1);
    });
  }

  it('a lost answer and a list that lags behind', async () => {
    await begin({ faults: [{ route: 'createPod', kind: 'dropAfter' }], listLagMs: 900 });
    expect(await world.autopod(up)).toMatchObject({ code: 0 });
    expect(await world.podIds()).toHaveLength(1);
  });

  it('a create that stalls, interrupted by the user, is found by the next up', async () => {
    await begin({ faults: [{ route: 'createPod', kind: 'stall' }] });
    const { child, ended } = world.start(up);
    await podExists();
    child.kill('SIGINT');
    const interrupted = await ended;
    expect(interrupted).toMatchObject({ code: 130, stderr: expect.stringContaining('autopod up') });
    expect(await world.autopod(up)).toMatchObject({ code: 0 });
    expect(await world.podIds()).toHaveLength(1);
  });

  it('a twin that shows up after the answer was given up is ended', async () => {
    await begin({
      faults: [{ route: 'createPod', kind: 'dropAfter' }],
      listLagMs: 2_500,
      latencies: { comfyStartMs: 100, imagePullMs: 3_500 * pace() },
    });
    const run = await world.autopod(up);
    expect(run, run.stderr).toMatchObject({ code: 0 });
    expect(run.stderr).toContain('second pod');
    expect(await world.podIds()).toHaveLength(1);
  });
});

describe('several at once', () => {
  it('six first ups buy one pod and all end 0', async () => {
    await begin();
    const runs = await Promise.all(Array.from({ length: 6 }, () => world.autopod(up)));
    expect(runs.map(({ code, stderr }) => (code === 0 ? 0 : stderr))).toEqual([0, 0, 0, 0, 0, 0]);
    expect(new Set(runs.map(({ stdout }) => stdout)).size).toBe(1);
    expect(await world.podIds()).toHaveLength(1);
    expect(runs.some(({ stderr }) => stderr.includes('showing its progress'))).toBe(true);
  });

  it('stop while up drives the pod: the pod ends stopped and both commands say so', async () => {
    await begin({ latencies: { imagePullMs: 5_000 * pace() } });
    const launching = world.start(up);
    await podExists();
    const stopping = await world.autopod(['stop']);
    expect(stopping, stopping.stderr).toMatchObject({ code: 0 });
    expect((await launching.ended).code).toBe(1);
    expect((await world.pods())[0]).toMatchObject({ status: 'EXITED' });
  });
});

describe('what is saved and what RunPod says', () => {
  beforeEach(async () => {
    await begin();
    expect(await world.autopod(up)).toMatchObject({ code: 0 });
  });

  it('with pods.json gone the pod is found by its launch id (I3)', async () => {
    await rm(join(world.home, 'pods.json'));
    expect(await world.autopod(up)).toMatchObject({ code: 0 });
    expect(await world.podIds()).toHaveLength(1);
  });

  for (const [title, content] of sample(1, [
    ['truncated', '{"schema":1,"reco'],
    ['empty', ''],
    ['foreign', '{"hello":"world"}'],
  ] as const)) {
    it(`a ${title} pods.json is set aside by name and the pod is found`, async () => {
      await writeFile(join(world.home, 'pods.json'), content);
      const run = await world.autopod(up);
      expect(run).toMatchObject({ code: 0, stderr: expect.stringContaining('pods.json.unreadable-') });
      expect(
        (await readdir(world.home)).filter((name) => name.startsWith('pods.json.unreadable-')),
      ).toHaveLength(1);
      expect(await world.podIds()).toHaveLength(1);
    });
  }

  it('a pods.json of a later autopod is refused by name and nothing is bought (I14)', async () => {
    await writeFile(join(world.home, 'pods.json'), '{"schema":99,"records":{}}');
    const run = await world.autopod(up);
    expect(run).toMatchObject({ code: 1, stderr: expect.stringContaining('later autopod') });
    expect(await world.podIds()).toHaveLength(1);
  });

  it('a pod ended in the console is replaced, because up makes it so', async () => {
    const [before = ''] = await world.podIds();
    await fetch(`${world.simulator.controlUrl}/pods/${before}/terminate`, { method: 'POST' });
    const run = await world.autopod(up);
    expect(run, run.stderr).toMatchObject({ code: 0 });
    const after = await world.podIds();
    expect(after).toHaveLength(1);
    expect(after).not.toContain(before);
  });

  it('a pod stopped in the console is started', async () => {
    const [id = ''] = await world.podIds();
    await fetch(`${world.simulator.controlUrl}/pods/${id}/exit`, { method: 'POST' });
    expect(await world.autopod(up)).toMatchObject({ code: 0 });
    expect(await world.podIds()).toEqual([id]);
  });
});

async function podExists(): Promise<void> {
  while ((await world.podIds()).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
}
