import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/until.ts';
import { EMPTY_IMAGE, workflowFile } from '../support/workflows.ts';
import { isWholeAsked } from './support/engine.ts';
import type { TestFleet } from './support/fleet.ts';
import { allEnded, making, outOf, poolOf, startJobsFleet, timesMade } from './support/jobs-fleet.ts';
import { type Laptop, laptopOf } from './support/laptop.ts';

describe.skipIf(!isWholeAsked)('jobs of a fleet', () => {
  let fleet: TestFleet;
  let ann: Laptop;
  let bob: Laptop;
  let vic: Laptop;

  beforeAll(async () => {
    fleet = await startJobsFleet();
    ann = await laptopOf(fleet, 'ann');
    bob = await laptopOf(fleet, 'bob');
    vic = await laptopOf(fleet, 'vic', 'viewer');
  }, 60_000);
  afterAll(() => fleet.end());

  it('need a pool, which is told with the command that makes one', async () => {
    const { code, stderr } = await ann.autopod('run', workflowFile(ann.home, 'red.json', EMPTY_IMAGE));
    expect([code, stderr]).toEqual([1, expect.stringContaining('autopod pool create')]);
    const refused = await ann.autopod('pool', 'create', 'art', '--min', '3', '--max', '2');
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('at least 3 and at most 2')]);
    expect((await ann.autopod('pool', 'create', 'Art!')).code).toBe(2);
    expect((await vic.autopod('pool', 'create', 'art')).stderr).toContain('member');
    expect(JSON.parse((await ann.autopod('pool', '--json')).stdout)).toEqual({ pools: [] });
  });

  it('bring up a pod by themselves, and their files come to whoever asked', async () => {
    await poolOf(ann, 'art', '--max', '2', '--idle', '20s', '--disk-size', '30');
    expect(await fleet.podIds()).toEqual([]);
    const red = workflowFile(ann.home, 'red.json', EMPTY_IMAGE);
    const run = await ann.autopod('run', red, '--out', outOf(ann), '--json');
    expect(run, run.stderr + run.stdout).toMatchObject({ code: 0 });
    const { jobs, pool, owner } = JSON.parse(run.stdout);
    expect([pool, owner, jobs.length, jobs[0].state]).toEqual(['art', 'ann', 1, 'done']);
    const [{ path, bytes, sha256 }] = jobs[0].files;
    expect(path.startsWith(outOf(ann))).toBe(true);
    expect(statSync(path).size).toBe(bytes);
    expect(jobs[0].usd).toBeGreaterThanOrEqual(0);
    const served = readdirSync(fleet.file('outputs'), { recursive: true, encoding: 'utf8' });
    expect(served.filter((name) => name.endsWith('.png'))).toHaveLength(1);
    expect(JSON.parse(readFileSync(`${path}.json`, 'utf8'))).toMatchObject({ sha256, job: jobs[0].jobId });
    expect(await fleet.podIds()).toHaveLength(1);
    const [pod] = JSON.parse((await bob.autopod('ls', '--json')).stdout).pods;
    expect(pod).toMatchObject({ owner: 'pool art', state: 'ready' });
  });

  it('are checked at the laptop by what the pool’s ComfyUI takes, once one has told', async () => {
    await until('what nodes there are', async () =>
      readdirSync(fleet.file('object-info')).some((name) => name.endsWith('.json')),
    );
    const wrong = workflowFile(ann.home, 'wrong.json', { '1': { class_type: 'Nowhere', inputs: {} } });
    const { code, stderr } = await ann.autopod('run', wrong, '--out', outOf(ann));
    expect([code, stderr]).toEqual([1, expect.stringContaining('Nowhere')]);
    const show = await ann.autopod('run', join(ann.home, 'red.json'), '--show', '--json');
    expect(JSON.parse(show.stdout).settable.length).toBeGreaterThan(0);
    expect((await ann.autopod('run', join(ann.home, 'red.json'), 'some-pod')).code).toBe(2);
    expect((await ann.autopod('run', join(ann.home, 'red.json'), '--up')).stderr).toContain('--up');
  });

  it('take files of the laptop in, and many jobs of a run are one batch', async () => {
    const cat = JSON.parse((await ann.autopod('jobs', '--json')).stdout).jobs[0];
    const picture = readdirSync(outOf(ann)).find((name) => name.endsWith('.png')) ?? '';
    const inverted = workflowFile(ann.home, 'inverted.json', {
      '1': { class_type: 'LoadImage', inputs: { image: 'none.png' } },
      '2': { class_type: 'ImageInvert', inputs: { image: ['1', 0] } },
      '3': { class_type: 'SaveImage', inputs: { images: ['2', 0], filename_prefix: 'inverted' } },
    });
    const input = `1.image=${join(outOf(ann), picture)}`;
    const run = await ann.autopod('run', inverted, '--input', input, '--out', join(ann.home, 'inv'));
    expect(run, run.stderr + run.stdout).toMatchObject({ code: 0 });
    expect(readdirSync(join(ann.home, 'inv')).filter((name) => name.endsWith('.png'))).toHaveLength(1);
    expect(cat.owner).toBe('ann');

    const many = making(bob.home, 'many');
    const swept = await bob.autopod('run', many, '--sweep', '9.seed=1..12', '--out', outOf(bob), '--json');
    expect(swept, swept.stderr + swept.stdout).toMatchObject({ code: 0 });
    expect(JSON.parse(swept.stdout)).toMatchObject({ count: 12, done: 12, files: 12, owner: 'bob' });
    expect(timesMade(fleet, 'many')).toBe(12);
    expect(readdirSync(outOf(bob)).filter((name) => name.endsWith('.png'))).toHaveLength(12);
  });

  it('are listed and shown with whose they are, followed, and fetched by anybody, as often as they like', async () => {
    const { jobs } = JSON.parse((await vic.autopod('jobs', '--all', '--json')).stdout);
    expect(jobs).toHaveLength(14);
    const { batchId } = jobs.find(({ owner }: { owner: string }) => owner === 'bob');
    expect(JSON.parse((await ann.autopod('jobs', 'show', batchId, '--json')).stdout)).toMatchObject({
      owner: 'bob',
      done: 12,
    });
    expect((await ann.autopod('jobs', 'wait', batchId)).code).toBe(0);
    const there = join(ann.home, 'bobs');
    for (let times = 0; times < 2; times++) {
      const fetched = await ann.autopod('jobs', 'fetch', batchId, '--out', there);
      expect(fetched, fetched.stderr).toMatchObject({ code: 0 });
      expect(fetched.stdout.trim().split('\n')).toHaveLength(12);
    }
    expect(readdirSync(there).filter((name) => name.endsWith('.png'))).toHaveLength(12);
    expect((await vic.autopod('jobs', 'fetch', batchId, '--out', there)).stderr).toContain('member');
    expect((await ann.autopod('jobs', 'show', 'nothing')).code).toBe(1);
  });

  it('are made again with the same values by whose they are, also what failed of a batch, and by a file they made', async () => {
    const swept = making(bob.home, 'again');
    const failing = workflowFile(bob.home, 'some-fail.json', {
      '1': { class_type: 'SimFail', inputs: { message: 'out of luck' } },
      '2': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'never' } },
    });
    const run = await bob.autopod('run', swept, '--set', '9.seed=77', '--out', outOf(bob), '--json');
    const { batchId: first, jobs } = JSON.parse(run.stdout);
    expect((await ann.autopod('jobs', 'retry', first)).stderr).toContain('bob');
    const [{ path }] = jobs[0].files;
    const again = await bob.autopod('jobs', 'retry', path, '--out', outOf(bob), '--json');
    expect(again, again.stderr + again.stdout).toMatchObject({ code: 0 });
    const { batchId: second, jobs: made } = JSON.parse(again.stdout);
    expect([second === first, made[0].seeds, made[0].state]).toEqual([false, jobs[0].seeds, 'done']);
    expect(made[0].files).toHaveLength(1);
    const options = ['--sweep', '1.message=a,b', '--on-error', 'go-on', '--out', outOf(bob), '--json'];
    const failed = await bob.autopod('run', failing, ...options);
    const { batchId } = JSON.parse(failed.stdout);
    const detached = await bob.autopod('jobs', 'retry', batchId, '--detach', '--json');
    expect(detached, detached.stderr).toMatchObject({ code: 0 });
    const waited = await bob.autopod('jobs', 'wait', JSON.parse(detached.stdout).batchId, '--json');
    expect([waited.code, JSON.parse(waited.stdout).batches[0]]).toEqual([
      1,
      expect.objectContaining({ count: 2, failed: 2 }),
    ]);
    const none = await bob.autopod('jobs', 'retry', first, 'pod1');
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('--pool')]);
    const whole = JSON.parse((await ann.autopod('jobs', '--all', '--json')).stdout).jobs;
    const many = whole.find(({ name }: { name: string }) => name === 'many.json' || name === 'many');
    const nothing = await bob.autopod('jobs', 'retry', many.batchId);
    expect([nothing.code, nothing.stderr]).toEqual([
      2,
      expect.stringContaining('has failed or was cancelled'),
    ]);
    expect((await bob.autopod('jobs', 'retry', first, '--pool', 'nowhere')).code).toBe(1);
  });

  it('are taken back by whose they are: the one that runs is interrupted, the others never run', async () => {
    const slow = making(ann.home, 'slow', { seconds: 30 });
    const { child, ended } = ann.start('run', slow, '--sweep', '9.seed=1..6', '--out', outOf(ann));
    const job = await until('one runs', async () => {
      const { jobs } = JSON.parse((await ann.autopod('jobs', '--json')).stdout);
      return jobs.find(({ state }: { state: string }) => state === 'running');
    });
    expect((await bob.autopod('jobs', 'cancel', job.batchId)).stderr).toContain('ann');
    child.kill('SIGINT');
    expect((await ended).code).toBe(130);
    const cancelled = await ann.autopod('jobs', 'cancel', job.batchId);
    expect([cancelled.code, cancelled.stdout], cancelled.stderr).toEqual([
      0,
      expect.stringContaining('Cancelled 6 jobs'),
    ]);
    expect(timesMade(fleet, 'slow')).toBe(0);
  });

  it('end with the first that fails, where nothing else was said', async () => {
    const failing = workflowFile(bob.home, 'failing.json', {
      '1': { class_type: 'SimFail', inputs: { message: 'out of luck' } },
      '2': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'never' } },
    });
    const run = await bob.autopod(
      'run',
      failing,
      '--sweep',
      '1.message=a,b,c,d,e,f,g,h,i',
      '--out',
      outOf(bob),
      '--json',
    );
    expect(run.code).toBe(1);
    const { failed, cancelled, count } = JSON.parse(run.stdout);
    expect([failed + cancelled, count]).toEqual([9, 9]);
    expect(cancelled).toBeGreaterThanOrEqual(3);
  });

  it('cost whoever had them made, by the time that ComfyUI ran; all of them and their pool what the pods cost', async () => {
    const { people, pools, usd, pods } = JSON.parse((await vic.autopod('costs', '--json')).stdout);
    expect(people.map(({ name }: { name: string }) => name).toSorted()).toEqual(['ann', 'bob']);
    expect(pools).toMatchObject([{ name: 'art' }]);
    const sumOf = (field: string) =>
      [...people, ...pools].reduce((sum, one) => sum + Math.round(one[field] * 1e6), 0);
    expect([sumOf('usd'), sumOf('sharedUsd')]).toEqual([Math.round(usd * 1e6), Math.round(usd * 1e6)]);
    expect(usd).toBeGreaterThan(0);
    expect(pods.count).toBeGreaterThan(0);
    const byPod = JSON.parse((await vic.autopod('costs', '--by', 'pod', '--json')).stdout);
    expect(byPod.totals.usd).toBeCloseTo(usd, 2);
    expect((await vic.autopod('costs', '--csv')).stdout).toMatch(/^name,jobs,.*\nbob,/);
    expect((await vic.autopod('costs', '--by', 'job')).code).toBe(2);
    expect((await ann.autopod('costs')).stdout).toMatch(/bob +27 +14/);
  });

  it('leave the pool at its least: pods are ended when nothing is left, and it can be removed then', async () => {
    await allEnded(fleet, 1);
    expect((await ann.autopod('pool', 'change', 'art', '--idle', '1s')).code).toBe(0);
    await until('no pods', async () => (await fleet.podIds()).length === 0);
    expect((await bob.autopod('pool', 'remove', 'art', '--yes')).stderr).toContain('ann');
    expect((await ann.autopod('pool', 'remove', 'art', '--yes')).code).toBe(0);
    await until(
      'no pool',
      async () => JSON.parse((await ann.autopod('pool', '--json')).stdout).pools.length === 0,
    );
  });
});
