import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { ScenarioInput } from '../../sim/scenario.ts';
import { sample } from '../support/sample.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
afterEach(() => world.end());
const begin = async (limits: object = {}, scenario: ScenarioInput = {}) => {
  world = await startWorld(scenario);
  const path = join(world.home, 'config.json');
  const config = JSON.parse(readFileSync(path, 'utf8')) as object;
  writeFileSync(path, JSON.stringify({ ...config, limits }));
};
const up = (...more: string[]) => world.autopod(['up', '--local-port', 'auto', '--no-tunnel', ...more]);
const made = () => world.simulator.world.createCount;
const spec = () => ({
  name: 'elsewhere',
  image: 'runpod/pytorch',
  gpu: { id: 'NVIDIA A40', count: 1 },
  ports: ['22/tcp'],
});

describe('a create', () => {
  it('a pod beyond max_pods is refused with the sum, and --over-limit goes on', async () => {
    await begin({ max_pods: 1 });
    expect((await up()).code).toBe(0);
    const refused = await up('--new');
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringMatching(/With this one 2 pods would run[\s\S]*max_pods is 1[\s\S]*--over-limit/),
    ]);
    expect(made()).toBe(1);
    expect((await up('--new', '--over-limit')).code).toBe(0);
    expect(made()).toBe(2);
  });

  it('a running pod that somebody else made counts, and a stopped one does not', async () => {
    await begin({ max_per_hour: 0.6 });
    const other = world.simulator.world.createPod(spec());
    await world.simulator.world.until(() => other.status === 'RUNNING');
    const refused = await up('--new');
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringMatching(new RegExp(`\\$0\\.\\d\\d for what runs \\(${other.id}\\) \\+ .* = \\$0\\.[89]`)),
    ]);
    world.simulator.world.act(other, 'stop');
    await world.simulator.world.until(() => other.status === 'EXITED');
    const run = await up('--new');
    expect(run.code, run.stderr).toBe(0);
  });

  it('each GPU of a pod counts', async () => {
    await begin();
    const refused = await up('--gpu-count', '4', '--max-per-hour', '1');
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('max_per_hour is $1.00')]);
    expect(made()).toBe(0);
  });

  it('what was spent today counts for max_per_day, and so does what the pod can still cost', async () => {
    const now = Date.now();
    const past = [
      {
        podId: 'gone',
        from: new Date(now - 1000).toISOString(),
        to: new Date(now).toISOString(),
        gpuPerHour: 36_000,
      },
    ];
    await begin({ max_per_day: 10 }, { billing: { past } });
    const refused = await up();
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringMatching(/\$10\.00 spent today \+ \$0\.00 .*max_per_day is \$10\.00/s),
    ]);
    expect(made()).toBe(0);
    const run = await up('--max-per-day', '12', '--stop-after', '1h');
    expect(run.code, run.stderr).toBe(0);
  });

  it('a key that may not read billing is told, and the pods that run are counted all the same', async () => {
    await begin(
      { max_per_day: 1000 },
      { faults: [{ route: 'listPodBilling', kind: 'status', status: 403, times: 50 }] },
    );
    const run = await up();
    expect([run.code, run.stderr]).toEqual([0, expect.stringContaining('may not read billing')]);
  });

  it('two at once against a limit of one pod: one is made, the other is refused', async () => {
    await begin({ max_pods: 1 }, { listLagMs: 1500 });
    const runs = await Promise.all([up('--new'), up('--new')]);
    expect(runs.map(({ code }) => code).toSorted()).toEqual([0, 1]);
    expect(runs.find(({ code }) => code === 1)?.stderr).toContain('max_pods is 1');
    expect(made()).toBe(1);
  });

  it('a create whose answer was lost holds its place, and is no obstacle to itself', async () => {
    await begin({ max_pods: 1 }, { faults: [{ route: 'createPod', kind: 'dropBefore', times: 1 }] });
    const run = await up();
    expect(run.code, run.stderr).toBe(0);
    expect(made()).toBe(1);
  });

  it('one that RunPod refused leaves its place to the next', async () => {
    await begin({ max_pods: 1 }, { balance: 0 });
    expect((await up('--new')).code).toBe(1);
    world.simulator.world.rewrite({ ...world.simulator.world.scenario, balance: 25 });
    const run = await up('--new');
    expect(run.code, run.stderr).toBe(0);
  });

  it('--dry-run tells that it would be refused', async () => {
    await begin({ max_per_hour: 0.1 });
    const run = await up('--dry-run');
    expect([run.code, run.stdout]).toEqual([0, expect.stringContaining('Your limits would refuse it')]);
    const { refusal } = JSON.parse((await up('--dry-run', '--json')).stdout);
    expect(refusal).toMatchObject({ code: 'limitReached', detail: { limit: 'max_per_hour', max: 0.1 } });
    expect(JSON.parse((await up('--dry-run', '--json', '--over-limit')).stdout).refusal).toBeNull();
  });
});

describe('a start', () => {
  it.each(
    sample(1, [
      ['up', '--no-tunnel'],
      ['start', '--no-wait'],
      ['start', '--no-tunnel'],
    ]),
  )('beyond a limit is refused: %s %s', async (...argv) => {
    await begin();
    expect((await up()).code).toBe(0);
    expect((await world.autopod(['stop'])).code).toBe(0);
    const refused = await world.autopod([...argv, '--max-per-hour', '0.1']);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('max_per_hour is $0.10')]);
    expect((await world.pods())[0]?.status).toBe('EXITED');
    const run = await world.autopod([...argv, '--max-per-hour', '0.1', '--over-limit']);
    expect(run.code, run.stderr).toBe(0);
    expect((await world.pods())[0]?.status).not.toBe('EXITED');
  });
});

describe('a replacement', () => {
  it('of a broken pod is refused where the next candidate costs more than allowed', async () => {
    await begin({ max_per_hour: 0.45 }, { withoutPublicIp: ['NVIDIA A40'] });
    world.env.AUTOPOD_TIMINGS = JSON.stringify({
      ...(JSON.parse(world.env.AUTOPOD_TIMINGS ?? '{}') as object),
      publicPortMs: 500,
    });
    const run = await up('--replace-broken', '--gpu', 'A40', '--gpu', 'RTX A6000');
    expect([run.code, run.stderr]).toEqual([1, expect.stringContaining('max_per_hour is $0.45')]);
    expect(made()).toBe(1);
  });

  it('of a broken pod does not count the one that is ended for it', async () => {
    await begin({ max_pods: 1 }, { withoutPublicIp: ['NVIDIA A40'] });
    world.env.AUTOPOD_TIMINGS = JSON.stringify({
      ...(JSON.parse(world.env.AUTOPOD_TIMINGS ?? '{}') as object),
      publicPortMs: 500,
    });
    const run = await up('--replace-broken', '--gpu', 'A40', '--gpu', 'RTX A6000');
    expect(run.code, run.stderr).toBe(0);
    expect((await world.pods()).map(({ gpu }) => gpu?.id)).toEqual(['NVIDIA RTX A6000']);
  });
});

describe('max_per_launch', () => {
  const planOf = async () => JSON.parse((await world.autopod(['info', '--json'])).stdout).autoStop;

  it('becomes a deadline, told as such, and the earlier one of it and --stop-after holds', async () => {
    await begin({ max_per_launch: 0.4 });
    const run = await up('--stop-after', '9h');
    expect([run.code, run.stderr]).toEqual([0, expect.stringContaining('(by max_per_launch, $0.40)')]);
    const plan = await planOf();
    expect(plan.limitUsd).toBe(0.4);
    expect(Date.parse(plan.stopAt) - Date.now()).toBeLessThan(1.1 * 3_600_000);
    const sooner = await world.autopod(['tunnel', '--stop-after', '10m', '--local-port', 'auto']);
    expect(sooner.stderr).not.toContain('max_per_launch');
    expect((await planOf()).limitUsd).toBeUndefined();
    const later = await world.autopod(['tunnel', '--stop-after', '9h']);
    expect(later.stderr).toContain('(by max_per_launch, $0.40)');
    const over = await world.autopod(['tunnel', '--stop-after', '9h', '--over-limit']);
    expect([over.code, over.stderr]).toEqual([0, expect.not.stringContaining('max_per_launch')]);
  });

  it('a pod that has cost that much is stopped by the keeper', async () => {
    await begin();
    world.env.AUTOPOD_KEEPER_TIMINGS = JSON.stringify({ autoStopLookMs: 200 });
    const run = await up('--max-per-launch', '0.0008');
    expect(run.code, run.stderr).toBe(0);
    await world.simulator.world.until(() => world.simulator.world.runningPods.length === 0);
  });
});

describe('a value that is none', () => {
  it.each([
    ['--max-pods', '0'],
    ['--max-pods', '1.5'],
    ['--max-per-hour', '-1'],
    ['--max-per-day', 'NaN'],
    ['--max-per-launch', 'Infinity'],
  ])('%s %s exits with 2 and buys nothing', async (flag, value) => {
    await begin();
    const run = await up(`${flag}=${value}`);
    expect([run.code, run.stderr]).toEqual([2, expect.stringContaining(value)]);
    expect(made()).toBe(0);
  });

  it.each([{ max_pods: '2' }, { max_per_hour: 0 }, { max_per_hr: 1 }, { max_per_day: null }])(
    'in config.json exits with 2, names it and buys nothing: %o',
    async (limits) => {
      await begin(limits);
      const run = await up();
      expect([run.code, run.stderr]).toEqual([2, expect.stringContaining('limits')]);
      expect(made()).toBe(0);
    },
  );

  it.each([
    ['max_pods', 'many'],
    ['max_per_hour', '0'],
    ['max_per_day', '1e3'],
  ])('`config set %s %s` exits with 2 and keeps what there is', async (name, value) => {
    await begin({ max_pods: 3 });
    const before = readFileSync(join(world.home, 'config.json'), 'utf8');
    expect((await world.autopod(['config', 'set', name, value])).code).toBe(2);
    expect(readFileSync(join(world.home, 'config.json'), 'utf8')).toBe(before);
  });
});
