import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { ScenarioInput } from '../../sim/scenario.ts';
import { openHome } from '../../src/store/home.ts';
import { JobStore } from '../../src/store/jobs.ts';
import { batchFacts, jobFacts } from '../support/job-facts.ts';
import { inProcess } from '../support/shell.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
afterEach(() => world.end());
const begin = async (scenario: ScenarioInput = {}) => {
  world = await startWorld(scenario);
};
const costs = (...argv: string[]) => inProcess(world, ['costs', ...argv]);
const json = async (...argv: string[]) => JSON.parse((await costs(...argv, '--json')).stdout);

const DAY_MS = 86_400_000;
const today = () => Math.floor(Date.now() / DAY_MS) * DAY_MS;
const day = (ago: number) => new Date(today() - ago * DAY_MS).toISOString().slice(0, 10);
/** Use of an hour at noon so many days ago. */
const atNoon = (ago: number, use: { podId?: string; networkVolumeId?: string }, usd: number) => ({
  ...use,
  from: `${day(ago)}T12:00:00Z`,
  to: `${day(ago)}T13:00:00Z`,
  ...(use.podId ? { gpuPerHour: usd } : { diskPerHour: usd }),
});
const PAST = [
  atNoon(5, { podId: 'gone' }, 3),
  atNoon(3, { podId: 'gone' }, 1),
  atNoon(3, { podId: 'other' }, 2),
  atNoon(3, { networkVolumeId: 'abc123xyz' }, 0.5),
];
/** Nothing but what is scripted: no volume of today's. */
const booked = (billing: ScenarioInput['billing'] = {}): ScenarioInput => ({
  networkVolumes: [],
  billing: { past: PAST, ...billing },
});

describe('what has cost', () => {
  it('is told by day, in UTC, days without cost included, whoever made the pods', async () => {
    await begin(booked());
    const report = await json();
    expect(report.since).toBe(`${day(7)}T00:00:00.000Z`);
    const rows = new Map(report.rows.map(({ key, usd }: { key: string; usd: number }) => [key, usd]));
    expect([5, 4, 3].map((ago) => rows.get(day(ago)))).toEqual([3, 0, 3.5]);
    expect(report.rows).toHaveLength(8);
    expect(report.totals).toEqual({ usd: 6.5, bookedUsd: 6.5, unbookedUsd: 0, podsUsd: 6, volumesUsd: 0.5 });
  });

  it.each([
    [
      'pod',
      [
        ['gone', 4],
        ['other', 2],
        [null, 0.5],
      ],
    ],
    [
      'volume',
      [
        [null, 6],
        ['abc123xyz', 0.5],
      ],
    ],
    [
      'gpu',
      [
        ['unknown', 6],
        [null, 0.5],
      ],
    ],
    ['job', [[null, 6.5]]],
  ])('by %s has the same sum', async (by, expected) => {
    await begin(booked());
    const { rows } = await json('--by', by);
    expect(rows.map(({ key, usd }: { key: string | null; usd: number }) => [key, usd])).toEqual(expected);
  });

  it('by job takes what job records say, and the rest is outside of jobs', async () => {
    await begin(booked());
    const store = new JobStore(openHome(world.home));
    const keep = (jobId: string, ago: number, usd: number | null) =>
      store.create(batchFacts({ batchId: jobId }), [
        jobFacts({ jobId, batchId: jobId, usd, startedAt: Date.parse(`${day(ago)}T12:00:00Z`) }),
      ]);
    await keep('aaaaaa', 3, 0.25);
    await keep('bbbbbb', 30, 9);
    await keep('cccccc', 3, null);
    writeFileSync(join(world.home, 'jobs', 'dddddd.json'), '{"id":');
    const { rows } = await json('--by', 'job');
    expect(rows.map(({ key, usd }: { key: string; usd: number }) => [key, usd])).toEqual([
      ['aaaaaa', 0.25],
      [null, 6.25],
    ]);
  });

  it('--since begins at that day, and --last so far back', async () => {
    await begin(booked());
    expect((await json('--since', day(3))).totals.usd).toBe(3.5);
    expect((await json('--last', '2d')).totals.usd).toBe(0);
    expect((await json('--last', '30d')).totals.usd).toBe(6.5);
  });

  it('--csv is a table with a head, and a name is no formula in it', async () => {
    await begin(booked());
    world.simulator.world.createPod({ name: '=1+1', image: 'i', gpu: { id: 'NVIDIA A40', count: 1 } });
    const { stdout } = await costs('--csv', '--by', 'pod');
    expect(stdout.split('\n')[0]).toBe('key,name,usd,bookedUsd,unbookedUsd');
    expect(stdout).toContain('gone,,4,4,0');
    expect(stdout).not.toMatch(/,=1/);
  });

  it('on a terminal has a bar for each day, and the longest is of the dearest', async () => {
    await begin(booked());
    const { stdout } = await inProcess(world, ['costs'], true);
    const bars = stdout.split('\n').map((line) => line.split('█').length - 1);
    expect(bars.filter((length) => length > 0)).toHaveLength(2);
    expect(stdout).toMatch(/\$6\.50 in all: pods \$6\.00, network volumes \$0\.50/);
    expect(stdout).toContain('UTC');
    expect((await costs()).stdout).not.toContain('█');
  });
});

describe('what RunPod has not booked yet', () => {
  it('is reckoned from the run and marked, for a pod that runs and for one that was ended', async () => {
    await begin(booked({ lagMs: 365 * DAY_MS, past: [] }));
    expect((await world.autopod(['up', '--no-tunnel', '--name', 'art'])).code).toBe(0);
    const [pod] = world.simulator.world.pods.values();
    if (pod) pod.startedAt = new Date(Date.now() - 1_800_000);
    const [row] = (await json('--by', 'pod')).rows;
    expect(row).toMatchObject({ name: 'art', bookedUsd: 0 });
    expect(row.unbookedUsd).toBeGreaterThan(0.19);
    expect((await json()).running).toMatchObject([{ podId: pod?.id, costPerHour: 0.4 }]);
    expect((await costs()).stdout).toContain('RunPod has not booked $0.20 of it yet');
    expect((await world.autopod(['kill', '-y'])).code).toBe(0);
    const after = await json('--by', 'gpu');
    expect(after.rows).toMatchObject([{ key: 'NVIDIA A40', bookedUsd: 0 }]);
    expect(after.totals.unbookedUsd).toBeGreaterThan(0.19);
    expect(after.running).toEqual([]);
  });

  it('is not counted twice once it is booked', async () => {
    await begin(booked({ past: [] }));
    const pod = world.simulator.world.createPod({
      name: 'art',
      image: 'i',
      gpu: { id: 'NVIDIA A40', count: 1 },
    });
    await world.simulator.world.until(() => pod.status === 'RUNNING');
    const { totals } = await json();
    expect(totals.unbookedUsd).toBeLessThan(0.001);
  });
});

describe('what cannot be told', () => {
  it.each([
    [['--last', '7'], 'unit'],
    [['--since', '2026-02-31'], '2026-02-31'],
    [['--since', '9999-01-01'], 'still to come'],
    [['--by', 'month'], 'month'],
    [['--last', '7d', '--since', '2026-01-01'], 'go together'],
    [['--csv', '--json'], 'go together'],
  ])('%j exits with 2', async (argv, words) => {
    await begin();
    const run = await costs(...argv);
    expect([run.code, run.stderr + run.stdout]).toEqual([2, expect.stringContaining(words)]);
  });

  it('a key that may not read billing is told what for, and no sum is shown', async () => {
    await begin({ faults: [{ route: 'listPodBilling', kind: 'status', status: 403, times: 20 }] });
    const run = await costs();
    expect([run.code, run.stdout, run.stderr]).toEqual([1, '', expect.stringContaining('billing/pods')]);
  });
});

describe('what costs in silence', () => {
  const stoppedWithDisk = async () => {
    const pod = world.simulator.world.createPod({
      name: 'kept',
      image: 'i',
      gpu: { id: 'NVIDIA A40', count: 1 },
      mounts: { persistent: { size: 50, path: '/workspace' } },
    });
    await world.simulator.world.until(() => pod.status === 'RUNNING');
    world.simulator.world.halt(pod, 'EXITED');
    return pod;
  };

  it('ls, volumes and doctor tell it by the month', async () => {
    await begin();
    const pod = await stoppedWithDisk();
    const ls = await inProcess(world, ['ls']);
    expect(ls.stdout).toContain('about $10.00/month');
    expect(ls.stderr).toContain('disks of stopped pods about $10.00, network volumes about $14.00 a month');
    const listed = JSON.parse((await inProcess(world, ['ls', '--json'])).stdout);
    expect(listed.totalPerMonth).toEqual({ disks: 10, volumes: 14 });
    const volumes = JSON.parse((await inProcess(world, ['volumes', '--json'])).stdout);
    expect(volumes.volumes).toMatchObject([{ perMonth: 14, lastUsedAt: null }]);
    const { checks } = JSON.parse((await inProcess(world, ['doctor', '--json'])).stdout);
    const named = (name: string) => checks.find((check: { name: string }) => check.name === name);
    expect(named('Stopped pods')).toMatchObject({
      verdict: 'warning',
      found: expect.stringContaining(`about $10.00/month: ${pod.id}`),
    });
    expect(named('Volumes').found).toContain('about $14.00/month, last use not known');
  });

  it('stop tells what goes on, and a volume remembers when it was used after its pod is gone', async () => {
    await begin();
    await world.autopod(['up', '--no-tunnel', '--volume-id', 'abc123xyz']);
    const stopped = await world.autopod(['stop']);
    expect(stopped.stdout).toContain('Storage still costs about $14.00 a month for its network volume');
    await world.autopod(['kill', '-y']);
    const { volumes } = JSON.parse((await inProcess(world, ['volumes', '--json'])).stdout);
    expect(Date.now() - Date.parse(volumes[0].lastUsedAt)).toBeLessThan(120_000);
  });

  it('what cannot be read beside the pods does not keep ls from telling the pods', async () => {
    await begin({ faults: [{ route: 'listNetworkVolumes', kind: 'status', status: 403, times: 20 }] });
    expect((await inProcess(world, ['ls'])).code).toBe(0);
  });
});
