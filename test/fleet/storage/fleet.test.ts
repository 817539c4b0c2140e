import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { S3Simulator } from '../../../sim/s3/server.ts';
import { jobRecord, jobState } from '../../../src/store/job-record.ts';
import { pace } from '../../support/pace.ts';
import { until } from '../../support/until.ts';
import { isWholeAsked } from '../support/engine.ts';
import { startFleet, type TestFleet } from '../support/fleet.ts';
import { allEnded, making, outOf, poolOf, recordsOf, storeOf, timesMade } from '../support/jobs-fleet.ts';
import { type Laptop, laptopOf } from '../support/laptop.ts';
import { credentialsFile } from './support.ts';

/** As in the tests of pods: what the engine writes is compressed otherwise. */
const PLAIN_FILES = Object.fromEntries(
  ['WORKER__STORAGE', 'BIFROST__LOCAL', 'METADATA_SERVER', 'LOG_SERVER'].map((part) => [
    `RESTATE_${part}__ROCKSDB_DISABLE_WAL_COMPRESSION`,
    'true',
  ]),
);
const TIMINGS = { jobPollMs: 150, jobArrivalMs: 600, podPollMs: 200, moveMs: 200, cleanMs: 300 };
const ENV = { ...PLAIN_FILES, AUTOPOD_KEEPER_TIMINGS: JSON.stringify(TIMINGS) };

describe.skipIf(!isWholeAsked)('a fleet whose files go to a bucket', () => {
  let fleet: TestFleet;
  let ann: Laptop;
  let s3: S3Simulator;
  let credentials = '';

  beforeAll(async () => {
    s3 = await S3Simulator.start();
    fleet = await startFleet({ comfyui: { jobMs: 0 } }, ENV);
    ann = await laptopOf(fleet, 'ann');
    credentials = credentialsFile(fleet.home, s3);
    await poolOf(ann, 'art', '--max', '1', '--idle', '120s');
    const set = await fleet.autopod([
      ...['serve', 'storage', 's3://studio/made', '--endpoint', s3.url, '--credentials', credentials],
    ]);
    expect(set.code, set.stderr).toBe(0);
  }, 60_000);
  afterAll(async () => {
    await fleet.end();
    await s3.close();
  });

  const outputs = () => readdirSync(fleet.file('outputs'), { recursive: true, encoding: 'utf8' });
  const allGone = () => until('all is in the bucket', () => outputs().length === 0);
  const run = (prefix: string, count: number, options = {}) =>
    ann.start(
      'run',
      making(ann.home, prefix, options),
      ...['--sweep', `9.seed=1..${count}`, '--out', outOf(ann), '--timeout', '10m', '--json'],
    );
  const someJob = async () => {
    const [record] = await recordsOf(fleet);
    if (!record) throw new Error('no job');
    return record.facts;
  };
  /** How often each file was put there, but the one by which it was tried out. */
  const timesPut = () =>
    [...s3.bucket().timesPut].flatMap(([key, times]) => (key.endsWith('/probe') ? [] : times));

  it('has them there once, gives them to members from there, and keeps none on its disk', async () => {
    const { code, stdout, stderr } = await run('first', 2, { bytes: 9_000_000 }).ended;
    expect(code, stderr).toBe(0);
    const [job] = JSON.parse(stdout).jobs;
    await allGone();
    expect(timesPut()).toEqual([1, 1]);
    expect(s3.bucket().uploads.size).toBe(0);
    rmSync(outOf(ann), { recursive: true });
    const fetched = await ann.autopod('jobs', 'fetch', job.jobId, '--out', outOf(ann), '--json');
    expect(fetched.code, fetched.stderr).toBe(0);
    const [file] = JSON.parse(fetched.stdout).jobs[0].files;
    expect(file).toMatchObject({ bytes: job.files[0].bytes, sha256: job.files[0].sha256 });
    expect(s3.requests.some(({ operation }) => operation === 'GetObject')).toBe(true);
  });

  it('brings them here also while the bucket cuts them off and slows down', async () => {
    const facts = await someJob();
    rmSync(outOf(ann), { recursive: true });
    s3.faults = [
      { operation: 'GetObject', kind: 'slowDown', times: 2 },
      { operation: 'GetObject', kind: 'cut', times: 3 },
    ];
    const fetched = await ann.autopod('jobs', 'fetch', facts.jobId, '--out', outOf(ann), '--json');
    expect(fetched.code, fetched.stderr).toBe(0);
    expect(JSON.parse(fetched.stdout).jobs[0].files).toHaveLength(1);
    expect(s3.faults).toEqual([]);
  });

  it('keeps them on its disk while the bucket does not answer, says so, and loses no job', async () => {
    s3.faults = [{ operation: '*', kind: 'slowDown' }];
    const { code, stderr } = await run('second', 2).ended;
    expect(code, stderr).toBe(0);
    expect(outputs().filter((name) => name.endsWith('.png'))).toHaveLength(2);
    const status = await until('it is told', async () => {
      const told = await fleet.autopod(['serve', 'status', '--json']);
      return JSON.parse(told.stdout).storage.trouble && told;
    });
    expect([status.code, JSON.parse(status.stdout).storage]).toMatchObject([
      1,
      { waiting: { files: 2 }, trouble: { code: 'storageUnreachable' } },
    ]);
    expect((await fleet.autopod(['serve', 'storage'])).stdout).toContain('SlowDown');
    await fleet.serveAgain();
    s3.faults = [];
    await allGone();
    await until('it is told no more', async () => (await fleet.autopod(['serve', 'status'])).code === 0);
    expect(timesMade(fleet, 'second')).toBe(2);
  });

  it('has each of them there once, and each job done once, though it is killed while they go there', async () => {
    const running = run('third', 6, { bytes: 300_000, seconds: 0.2 });
    const before = s3.requests.length;
    for (let times = 0; times < 3; times += 1) {
      await until('some go there', () => s3.requests.length > before + 4 * times);
      process.kill(fleet.pids().serve, 'SIGKILL');
      await fleet.serveAgain();
    }
    const { code, stderr } = await running.ended;
    expect(code, stderr).toBe(0);
    await allEnded(fleet, 10);
    await allGone();
    expect(timesMade(fleet, 'third')).toBe(6);
    expect(timesPut()).toEqual(Array(10).fill(1));
    expect(s3.bucket().objects.size).toBe(10);
    expect((await recordsOf(fleet)).every((record) => jobState(record) === 'done')).toBe(true);
    const stored = (await recordsOf(fleet)).map(({ facts }) => facts.outputs?.[0]?.stored?.key);
    expect(new Set(stored)).toEqual(new Set(s3.bucket().objects.keys()));
  });

  it('has what it is entered with in its file alone: not in state, journal, log, backup or what members are told', async () => {
    const { secretAccessKey, accessKeyId } = s3.account;
    const filesWith = (word: string, folder = fleet.home) => {
      try {
        return execFileSync('grep', ['-rlaF', word, folder], { encoding: 'utf8' }).trim().split('\n');
      } catch {
        return []; // grep ends with 1 where there is nothing
      }
    };
    expect([filesWith(secretAccessKey), filesWith(accessKeyId)]).toEqual([[credentials], [credentials]]);
    expect(filesWith('art').some((path) => path.includes('restate/data'))).toBe(true);
    for (const argv of [['jobs', '--all', '--json'], ['history'], ['pool', '--json']]) {
      const { stdout } = await ann.autopod(...argv);
      for (const word of [secretAccessKey, accessKeyId, s3.url]) expect(stdout).not.toContain(word);
    }
  });

  it('removes them after their time, and says so to whoever asks for them', async () => {
    const store = storeOf(fleet);
    const facts = await someJob();
    await store.update(facts.jobId, (record) => jobRecord({ ...record.facts, endedAt: 1 }, 'done'));
    const before = s3.bucket().objects.size;
    // What it knows of a job that has ended it reads once.
    await fleet.serveAgain();
    await until('it is removed', async () => (await store.get(facts.jobId))?.facts.cleanedAt);
    expect(s3.bucket().objects.size).toBe(before - 1);
    const fetched = await ann.autopod('jobs', 'fetch', facts.jobId, '--out', outOf(ann), '--json');
    expect([fetched.code, JSON.parse(fetched.stdout).error.code]).toEqual([1, 'filesCleaned']);
    expect((await ann.autopod('jobs', 'show', facts.jobId)).stdout).toContain('removed on');
    expect(fleet.journal().some(({ machine, event }) => machine === 'storage@1' && event === 'cleaned')).toBe(
      true,
    );
  });

  it('takes no jobs while its disk is nearly full, and those that run wait for room and go on', async () => {
    await fleet.autopod(['serve', 'storage', '--keep-free', '900TB']);
    const refused = await run('fourth', 1).ended;
    expect([refused.code, JSON.parse(refused.stdout).error.code]).toEqual([1, 'serverDiskFull']);
    await fleet.autopod(['serve', 'storage', '--keep-free', '1MB']);
    const running = ann.start('run', making(ann.home, 'fifth', { seconds: 2 * pace() }), '--out', outOf(ann));
    let said = '';
    running.child.stderr?.on('data', (text: Buffer | string) => {
      said += text;
    });
    await until('it runs', async () =>
      (await recordsOf(fleet)).some((record) => jobState(record) === 'running'),
    );
    await fleet.autopod(['serve', 'storage', '--keep-free', '900TB']);
    const waiting = await until('it waits', async () => {
      const { stdout } = await ann.autopod('jobs', '--json');
      return JSON.parse(stdout).jobs.find(
        (job: { progress: { isWaitingForRoom?: boolean } | null }) => job.progress?.isWaitingForRoom,
      );
    });
    expect((await ann.autopod('jobs', 'show', waiting.jobId)).stderr).toContain('no room');
    await until('the laptop says so', () => said.includes('no room'));
    await fleet.autopod(['serve', 'storage', '--keep-free', '1MB']);
    const { code, stderr } = await running.ended;
    expect(code, stderr).toBe(0);
    expect(timesMade(fleet, 'fifth')).toBe(1);
  });

  it('says what its backup does not contain', async () => {
    process.kill(fleet.pids().serve, 'SIGTERM');
    await until('it is not served', async () => (await fleet.autopod(['serve', 'status'])).code === 1);
    const { code, stderr } = await fleet.autopod(['serve', 'backup', join(fleet.home, 'backup.tar.gz')]);
    expect([code, stderr]).toEqual([0, expect.stringContaining('what lies in buckets')]);
  });
});
