import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import type { ScenarioInput } from '../../sim/scenario.ts';
import { HAS_OPENSSL, overTls } from '../support/over-tls.ts';
import { paced } from '../support/pace.ts';
import { signal } from '../support/processes.ts';
import { sample } from '../support/sample.ts';
import { until } from '../support/until.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
afterEach(() => world.end());

const begin = async (scenario: ScenarioInput = {}, lookMs = 200) => {
  world = await startWorld(scenario);
  world.env.AUTOPOD_KEEPER_TIMINGS = JSON.stringify({ autoStopLookMs: lookMs });
};
const post = (path: string, body: object) =>
  fetch(`${world.simulator.controlUrl}/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
const control = async (action: string, body: object) =>
  post(`pods/${(await world.podIds())[0]}/${action}`, body);
const podState = async () => (await world.pods())[0]?.status;
const isStopped = () => until('stopped', async () => (await podState()) === 'EXITED', 60_000);
const history = async () => (await world.autopod(['history'])).stdout;
const shown = async (...argv: string[]) => {
  const { stdout, stderr } = await world.autopod(argv);
  return stdout + stderr;
};
const up = (...options: string[]) => world.autopod(['up', '--local-port', 'auto', ...options]);

describe('a stop that RunPod takes and does not do', () => {
  it('by the keeper is asked again until the pod is seen stopped; only then is the plan over', async () => {
    await begin();
    await up();
    await control('ignore-stops', { times: 2 });
    expect((await world.autopod(['tunnel', '--stop-after', '1s'])).code).toBe(0);
    await isStopped();
    await until('it is told', async () => (await history()).includes('stopped by the keeper'));
    expect(await history()).toContain('the keeper asked RunPod to stop it: its time was up');
    expect(await shown('info')).not.toContain('Stops:');
  });

  it('is told by ls, info, tunnel --status, doctor and history as due and not done, and survives the keeper', async () => {
    await begin();
    await up();
    await control('ignore-stops', {});
    await world.autopod(['tunnel', '--stop-after', '1s']);
    await until('asked', async () => (await history()).includes('asked RunPod to stop it'));
    signal(world.keeperPids(), 'SIGKILL');
    for (const argv of [['ls'], ['info'], ['tunnel', '--status'], ['doctor']]) {
      expect(await shown(...argv), argv.join(' ')).toMatch(
        /was due to stop at [\s\S]* and still runs: RunPod took\s+the\s+request/,
      );
    }
    const { autoStop } = JSON.parse((await world.autopod(['info', '--json'])).stdout);
    expect(autoStop.overdue).toMatchObject({ kind: 'time', failure: null, takenAt: expect.any(String) });
    await control('ignore-stops', { times: 0 });
    await isStopped();
  });

  it('stop says what is true: taken, not done, and what it costs', async () => {
    await begin();
    await up('--no-tunnel');
    await control('ignore-stops', {});
    const { code, stderr } = await world.autopod(['stop', '--timeout', paced(3)]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /RunPod accepted the request to stop it, but the pod is still running and costs \$0\.\d\d\/h/,
    );
    // podActionNotDone
    expect(stderr).toMatch(
      /RunPod took the request to stop pod \w+ at .* has not done it: the pod still runs and costs/,
    );
    expect(stderr).not.toContain('refused');
  });

  it('stop asks again, and ends when the pod has stopped', async () => {
    await begin();
    await up('--no-tunnel');
    await control('ignore-stops', { times: 1 });
    world.env.AUTOPOD_TIMINGS = JSON.stringify({
      ...JSON.parse(world.env.AUTOPOD_TIMINGS ?? '{}'),
      powerAgainMs: 300,
    });
    expect(await world.autopod(['stop', '--timeout', paced(20)])).toMatchObject({ code: 0 });
    expect(await podState()).toBe('EXITED');
  });
});

describe('an auto-stop that fails', () => {
  it.each(
    sample(1, [
      ['the key has lost the right', { kind: 'status', route: 'podAction', status: 403 }],
      ['the API is down', { kind: 'status', route: 'podAction', status: 500 }],
    ]),
  )('because %s is told everywhere with the reason, and done when it can be', async (_, fault) => {
    await begin();
    await up();
    await post('faults', { ...fault, times: 5 });
    await world.autopod(['tunnel', '--stop-after', '1s']);
    await until('it is told', async () => /could not stop it|asked RunPod/.test(await history()));
    expect(await history()).toContain('the keeper could not stop it: its time was up');
    expect(await shown('ls')).toMatch(/was due to stop at .* and still runs/);
    await isStopped();
  });
});

describe('jobs are counted whatever else stands in the answer', () => {
  it('with NaN and Infinity in it', async () => {
    await begin();
    await up();
    await control('comfy', { queue: { running: 1, pending: 1 }, nan: true });
    const { code, stdout } = await world.autopod(['comfy', 'status', '--json', '--no-wait']);
    expect([code, JSON.parse(stdout)]).toEqual([
      0,
      expect.objectContaining({ isReady: true, queue: { running: 1, pending: 1 } }),
    ]);
    expect((await world.autopod(['comfy', 'info'])).code).toBe(0);
    await world.autopod(['tunnel', '--stop-after', '1s', '--idle-stop', '1s']);
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(await podState()).toBe('RUNNING');
    await control('comfy', { queue: { running: 0, pending: 0 } });
    await isStopped();
  });
});

describe('work that is not ComfyUI’s is no idleness', () => {
  it.each(
    sample(3, [
      ['a shell', { shells: 1 }, { shells: 0 }, 'a shell is open'],
      ['a copy', { copies: 1 }, { copies: 0 }, 'being copied'],
      ['a download', { bytes: 30_000_000 }, { bytes: 0 }, '10.0 MB/s go through its network'],
      ['a training', { gpu: 98 }, { gpu: 0 }, 'its GPU is 98% busy'],
      ['what computes', { ticks: 900 }, { ticks: 3 }, '300% of a core'],
    ]),
  )('%s', async (_, busy, idle, words) => {
    await begin();
    await up();
    await control('use', busy);
    await world.autopod(['tunnel', '--idle-stop', '1s']);
    await until('it is told', async () => (await history()).includes(`not stopped as idle:`));
    expect(await history()).toContain(words);
    expect(await podState()).toBe('RUNNING');
    await control('use', idle);
    await isStopped();
  });
});

describe('a promise is tried when it is made', () => {
  it('a keeper that does not reach RunPod is told at once', async () => {
    await begin();
    await up();
    await post('faults', { route: 'getPod', kind: 'status', status: 500, times: 100 });
    const { stderr } = await world.autopod(['tunnel', '--stop-after', '1h']);
    expect(stderr).toMatch(/cannot reach RunPod: RunPod has trouble \(HTTP 500\)/);
  });

  it.runIf(HAS_OPENSSL)('a keeper that does not know a certificate gives way to one that does', async () => {
    await begin();
    const { url, certificate, close } = await overTls(world);
    onTestFinished(close);
    // The first command, and the keeper it starts, know nothing of the certificate; the pod is made past it.
    await up();
    const [keeper] = world.keeperPids();
    const trusting = { AUTOPOD_API_URL: url, NODE_EXTRA_CA_CERTS: certificate };
    const { code, stderr } = await world.autopod(['tunnel', '--stop-after', '1s'], trusting);
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('cannot reach')]);
    expect(world.keeperPids()).not.toContain(keeper);
    await isStopped();
  });
});
