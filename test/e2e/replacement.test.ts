import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { ScenarioInput } from '../../sim/scenario.ts';
import type { Pod } from '../../sim/world/pod.ts';
import { freePort } from '../support/free-port.ts';
import { paced } from '../support/pace.ts';
import { sample } from '../support/sample.ts';
import { statusAt } from '../support/status-at.ts';
import { HAS_SCRIPT, onTerminal } from '../support/terminal.ts';
import { until } from '../support/until.ts';
import { type Run, startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
afterEach(() => world.end());

const onVolume = ['--volume-id', 'abc123xyz'];
const scripted = (change: object) =>
  fetch(`${world.simulator.controlUrl}/scenario`, { method: 'PATCH', body: JSON.stringify(change) });

/** A pod on a volume that was ready once, is stopped, and whose host has no GPU for it any more. */
async function onFullHost(
  outcome: 'refused' | 'zeroGpus',
  scenario: ScenarioInput = {},
  port: string | null = null,
) {
  world = await startWorld(scenario);
  const tunnel = port === null ? ['--no-tunnel'] : ['--local-port', port];
  const made = await world.autopod(['up', ...onVolume, '--name', 'mine', ...tunnel]);
  expect(made.code, made.stderr).toBe(0);
  const [id = ''] = await world.podIds();
  expect((await world.autopod(['stop'])).code).toBe(0);
  await scripted(outcome === 'refused' ? { fullOnResume: true } : { zeroGpusOnResume: true });
  return { id };
}

/** For each pod that is ended, whether another one's ComfyUI answered at that moment. */
function endings(): { id: string; isOtherReady: boolean }[] {
  const ended: { id: string; isOtherReady: boolean }[] = [];
  world.simulator.world.on('status', (pod) => {
    if (pod.status !== 'TERMINATED') return;
    ended.push({ id: pod.id, isOtherReady: others(pod.id).some(({ comfyui }) => comfyui.state === 'up') });
  });
  return ended;
}

function others(id: string): Pod[] {
  return [...world.simulator.world.pods.values()].filter((pod) => pod.id !== id);
}

async function onlyPodNow(run: Run, but: string) {
  expect(run.code, run.stderr).toBe(0);
  const pods = await world.pods();
  expect(pods).toHaveLength(1);
  expect(pods[0]?.id).not.toBe(but);
  const records = JSON.parse(await readFile(join(world.home, 'pods.json'), 'utf8')).records as Record<
    string,
    { facts: { podId: string; replaces?: unknown } }
  >;
  expect(Object.values(records).map(({ facts }) => [facts.podId, facts.replaces ?? null])).toEqual([
    [pods[0]?.id, null],
  ]);
  return pods[0];
}

describe('a start on a full host', () => {
  it('without a terminal and a flag says so, what would help, and changes nothing', async () => {
    const { id } = await onFullHost('refused');
    const run = await world.autopod(['start']);
    expect([run.code, run.stderr]).toEqual([1, expect.stringMatching(/no free GPU[\s\S]*--replace/)]);
    expect(await world.pods()).toMatchObject([{ id, status: 'EXITED' }]);
  });

  const ways = [
    ['refused', 'up'],
    ['zeroGpus', 'start'],
    ['refused', 'start'],
    ['zeroGpus', 'up'],
  ] as const;
  for (const [outcome, verb] of sample(2, ways)) {
    it(`${outcome}: ${verb} --replace makes a pod on the same volume, at the same port, and ends the old one when that is ready`, async () => {
      const port = await freePort();
      const { id } = await onFullHost(outcome, {}, port);
      const ended = endings();
      const run = await world.autopod([verb, '--replace']);
      const pod = await onlyPodNow(run, id);
      expect(pod).toMatchObject({
        name: 'mine',
        status: 'RUNNING',
        dataCenterId: 'US-GA-1',
        mounts: { network: [{ volumeId: 'abc123xyz' }] },
      });
      expect(run.stdout).toContain(`http://localhost:${port}`);
      expect(await statusAt(Number(port))).toBe(200);
      expect(ended).toEqual([{ id, isOtherReady: true }]);
    });
  }

  it('with nothing else to be had says that, and keeps the pod', async () => {
    const { id } = await onFullHost('refused');
    await scripted({ stock: { 'NVIDIA A40': { 'US-GA-1': 'NONE' } } });
    const run = await world.autopod(['up', '--replace', '--no-tunnel']);
    expect([run.code, run.stderr]).toEqual([1, expect.stringContaining('No other pod can be had')]);
    expect(await world.podIds()).toEqual([id]);
  });

  it('two at once replace it once', async () => {
    const { id } = await onFullHost('refused');
    const runs = await Promise.all([
      world.autopod(['up', '--replace', '--no-tunnel']),
      world.autopod(['up', '--replace', '--no-tunnel']),
    ]);
    expect(runs.map(({ code, stderr }) => (code === 0 ? 0 : stderr))).toEqual([0, 0]);
    await onlyPodNow(runs[0] as Run, id);
    expect(world.simulator.world.createCount).toBe(2);
  });

  it('never ends a pod that runs with its GPU again when the other one is ready', async () => {
    const { id } = await onFullHost('refused', { latencies: { comfyStartMs: 1_500 } });
    const launching = world.start(['up', '--replace', '--no-tunnel']);
    await until('the other pod', () => others(id)[0]);
    await scripted({ fullOnResume: false });
    world.simulator.world.act(world.simulator.world.pod(id), 'start');
    const run = await launching.ended;
    expect([run.code, run.stderr]).toEqual([0, expect.stringMatching(/is not ended[\s\S]*\/h; end it with/)]);
    expect(await world.podIds()).toContain(id);
  });

  it('never ends a pod with a disk of its own', async () => {
    world = await startWorld();
    const body = {
      name: 'kept',
      image: 'runpod/comfyui:latest',
      gpu: { id: 'NVIDIA A40', count: 1 },
      ports: ['22/tcp'],
      mounts: { persistent: { size: 20, path: '/workspace' } },
      env: {
        AUTOPOD_LAUNCH_ID: 'kept-1',
        PUBLIC_KEY: (await readFile(join(world.home, 'id_test.pub'), 'utf8')).trim(),
      },
    };
    const headers = { authorization: 'Bearer sim-key', 'content-type': 'application/json' };
    await fetch(`${world.simulator.url}/pods`, { method: 'POST', headers, body: JSON.stringify(body) });
    expect((await world.autopod(['up', '--no-tunnel'])).code).toBe(0);
    const [id = ''] = await world.podIds();
    expect((await world.autopod(['stop'])).code).toBe(0);
    await scripted({ fullOnResume: true });
    const run = await world.autopod(['up', '--replace', '--no-tunnel']);
    expect([run.code, run.stderr]).toEqual([1, expect.stringContaining('a disk of its own')]);
    expect(await world.podIds()).toEqual([id]);
  });
});

describe('a replacement that is cut short is finished by one up, without a flag', () => {
  const moments: Record<string, (id: string) => Promise<unknown>> = {
    'before RunPod is asked for the other pod': async () => {
      const asked = world.simulator.world.requests;
      await until('the step before', () => asked.entries.filter(({ path }) => path.endsWith('ssh-keys'))[1]);
      expect(await readFile(join(world.home, 'pods.json'), 'utf8')).toMatch(/"replaces":\s*\{/);
    },
    'while the other pod boots': (id) => until('the other pod', () => others(id)[0]),
    'when the other pod is ready and the old one is to be ended': (id) =>
      until('the end asked for', () => {
        const asked = world.simulator.world.requests.entries;
        return asked.some(({ path, method }) => method === 'DELETE' && path.includes(id));
      }),
  };
  const STALLED: Record<string, string> = {
    'before RunPod is asked for the other pod': 'getSshKeys',
    'when the other pod is ready and the old one is to be ended': 'deletePod',
  };
  for (const [title, moment] of Object.entries(moments)) {
    it(title, async () => {
      const port = await freePort();
      const { id } = await onFullHost('refused', {}, port);
      const { child, ended } = world.start(['up', '--replace']);
      const route = STALLED[title];
      if (route) world.simulator.world.addFaults([{ route, kind: 'stallBefore', times: 1, skip: 0 }]);
      await moment(id);
      child.kill('SIGKILL');
      await ended;
      const run = await world.autopod(['up']);
      await onlyPodNow(run, id);
      expect(run.stdout).toContain(`http://localhost:${port}`);
      expect(world.simulator.world.createCount).toBe(2);
    });
  }
});

const twoGpus = ['--gpu', 'A40', '--gpu', 'RTX A6000', '--no-tunnel'];
const IMPATIENT = { publicPortMs: 300, gpuDoubtMs: 300 };

describe('a pod that runs and can never work', () => {
  const impatient = () => ({
    AUTOPOD_TIMINGS: JSON.stringify({ ...JSON.parse(world.env.AUTOPOD_TIMINGS ?? '{}'), ...IMPATIENT }),
  });
  const kinds: Record<string, [ScenarioInput, RegExp]> = {
    'no public ssh port': [{ withoutPublicIp: ['NVIDIA A40'] }, /no public ssh port/],
    'a driver too old': [{ oldDrivers: ['NVIDIA A40'] }, /driver that is too old[\s\S]*found version 12040/],
    'a driver too old, on an image that keeps its log in a file': [
      { oldDrivers: ['NVIDIA A40'], comfyui: { imageRelease: '1.2' } },
      /does not answer yet/,
    ],
  };
  for (const [title, [scenario, words]] of Object.entries(kinds)) {
    it(`${title}: it is told as what it is, with what it costs, and kept`, async () => {
      world = await startWorld(scenario);
      const run = await world.autopod(['up', ...twoGpus, '--timeout', paced(20)], impatient());
      expect([run.code, run.stderr]).toEqual([1, expect.stringMatching(words)]);
      if (!title.includes('file')) expect(run.stderr).toMatch(/has cost \$\d[\s\S]*--replace-broken/);
      expect(run.stderr).not.toContain('has not booted');
      expect(await world.podIds()).toHaveLength(1);
    });
  }

  for (const scenario of [{ withoutPublicIp: ['NVIDIA A40'] }, { oldDrivers: ['NVIDIA A40'] }]) {
    it(`${Object.keys(scenario)}: --replace-broken takes the next candidate, and ends the broken one when that is placed`, async () => {
      world = await startWorld(scenario);
      const ended = endings();
      const run = await world.autopod(['up', ...twoGpus, '--replace-broken'], impatient());
      expect(run.code, run.stderr).toBe(0);
      expect(await world.pods()).toMatchObject([{ gpu: { id: 'NVIDIA RTX A6000' }, status: 'RUNNING' }]);
      expect(run.stderr).toMatch(/has cost \$\d/);
      expect(ended).toMatchObject([{ isOtherReady: false }]);
    });
  }

  it('the whole world broken: it stops after some tries, and at most one pod is left', async () => {
    world = await startWorld({ withoutPublicIp: ['NVIDIA A40', 'NVIDIA RTX A6000'] });
    const run = await world.autopod(['up', ...twoGpus, '--replace-broken'], impatient());
    expect([run.code, run.stderr]).toEqual([1, expect.stringContaining('no public ssh port')]);
    expect(await world.podIds()).toHaveLength(1);
    expect(world.simulator.world.createCount).toBe(4);
  });
});

describe.runIf(HAS_SCRIPT)('on a terminal', () => {
  it('a full host: it asks, and yes makes the other pod', async () => {
    const { id } = await onFullHost('refused');
    const terminal = onTerminal(world, ['up', '--no-tunnel']);
    await terminal.when(/A40 in US-GA-1[\s\S]*\[y\/N\]/, 'y\n');
    const { code, screen } = await terminal.ended;
    await onlyPodNow({ code, stderr: screen, stdout: '', signal: null }, id);
  });

  it('no keeps everything as it is', async () => {
    const { id } = await onFullHost('refused');
    const terminal = onTerminal(world, ['start']);
    await terminal.when(/\[y\/N\]/, 'n\n');
    expect((await terminal.ended).code).toBe(1);
    expect(await world.pods()).toMatchObject([{ id, status: 'EXITED' }]);
  });
});
