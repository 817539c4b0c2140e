import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { jobState } from '../../src/store/job-record.ts';
import { VERSION } from '../../src/version.ts';
import { until } from '../support/until.ts';
import { credentialsFile, startS3 } from './storage/support.ts';
import { isWholeAsked } from './support/engine.ts';
import type { TestFleet } from './support/fleet.ts';
import {
  allEnded,
  making,
  outOf,
  poolOf,
  recordsOf,
  startJobsFleet,
  timesMade,
} from './support/jobs-fleet.ts';
import { type Laptop, laptopOf } from './support/laptop.ts';
import { type OtherVersion, otherVersion, type Serving } from './support/other-version.ts';

const LATER = '9.9.9';

describe.skipIf(!isWholeAsked)('another version that is started beside', { timeout: 180_000 }, () => {
  let fleet: TestFleet;
  let ann: Laptop;
  let other: OtherVersion | undefined;
  let next: Serving | undefined;

  /** A fleet with jobs at work, each of so many seconds. */
  const begin = async (prefix: string, count: number, seconds: number, version = LATER) => {
    fleet = await startJobsFleet();
    other = otherVersion(fleet, version);
    ann = await laptopOf(fleet, 'ann');
    await poolOf(ann, 'art', '--max', '1', '--min', '1', '--idle', '60s');
    const { code, stderr } = await ann.autopod(
      ...['run', making(ann.home, prefix, { seconds }), '--sweep', `9.seed=1..${count}`, '--detach'],
    );
    if (code !== 0) throw new Error(stderr);
    await until('a job runs', async () =>
      (await recordsOf(fleet)).some((one) => jobState(one) === 'running'),
    );
  };
  afterEach(async () => {
    next?.child.kill('SIGTERM');
    await next?.ended;
    next = undefined;
    other?.end();
    await fleet?.end();
  });

  const serveOther = (args?: string[]): Serving => {
    if (!other) throw new Error('there is none');
    next = other.serve(args);
    return next;
  };
  const status = async () => JSON.parse((await fleet.autopod(['serve', 'status', '--json'])).stdout);
  const hasEnded = (pid: number) => {
    try {
      process.kill(pid, 0);
      return false;
    } catch {
      return true;
    }
  };

  it('takes over: what is under way is ended by the one before, which leaves by itself; all else is the next one’s', async () => {
    await begin('both', 2, 12);
    const before = fleet.pids();
    const { served, said } = serveOther();
    await served;
    expect(said()).toContain(`Version ${VERSION} serves this fleet; it hands over to ${LATER}`);
    const [{ version, leaving, engine }, words] = [await status(), await fleet.autopod(['serve', 'status'])];
    expect({ version, leaving, engine }).toMatchObject({
      version: LATER,
      leaving: [{ version: VERSION, pid: before.serve, isAlive: true }],
      engine: { isAnswering: true },
    });
    expect(leaving[0].calls).toBeGreaterThan(0);
    expect(words.stdout + words.stderr).toMatch(new RegExp(`${LATER}[^]*Version ${VERSION} .* leaves then`));
    // Nothing that takes time was begun anew for it.
    expect(fleet.pids().restate).toBe(before.restate);
    await until('the first has left', () => hasEnded(before.serve), 60_000);
    expect((await allEnded(fleet, 2)).map(jobState)).toEqual(['done', 'done']);
    expect(timesMade(fleet, 'both')).toBe(2);
    await until('nothing is left of it', async () => (await status()).leaving.length === 0);
    await until('its worker is forgotten', () => readdirSync(fleet.file('workers')).length === 1);
    const { stdout } = await ann.autopod('jobs', '--json');
    expect(JSON.parse(stdout).jobs.map(({ state }: { state: string }) => state)).toEqual(['done', 'done']);
    expect((await fleet.podIds()).length).toBe(1);
  });

  it('goes on with what the one before had begun when that is killed on the way', async () => {
    await begin('older', 2, 12);
    const { serve } = fleet.pids();
    const { served } = serveOther();
    await served;
    expect((await status()).leaving[0].calls).toBeGreaterThan(0);
    process.kill(serve, 'SIGKILL');
    expect((await allEnded(fleet, 2)).map(jobState)).toEqual(['done', 'done']);
    expect(timesMade(fleet, 'older')).toBe(2);
    await until('nothing is left of it', async () => (await status()).leaving.length === 0);
  });

  it('finds each file that was made before, brings it to the bucket once, and gives it from there', async () => {
    const s3 = await startS3();
    await begin('stored', 3, 5);
    const entered = ['--endpoint', s3.url, '--credentials', credentialsFile(fleet.home, s3)];
    const set = await fleet.autopod(['serve', 'storage', 's3://studio/made', ...entered]);
    expect(set.code, set.stderr).toBe(0);
    const { serve } = fleet.pids();
    await until('one is done', async () => (await recordsOf(fleet)).some((one) => jobState(one) === 'done'));
    const { served } = serveOther();
    await served;
    const records = await allEnded(fleet, 3);
    await until('the first has left', () => hasEnded(serve), 60_000);
    await until('nothing is on the disk', () => readdirSync(fleet.file('outputs')).length === 0);
    const put = [...s3.bucket().timesPut].filter(([key]) => !key.endsWith('/probe'));
    expect(put.map(([, times]) => times)).toEqual([1, 1, 1]);
    const { batchId = '' } = records[0]?.facts ?? {};
    const fetched = await ann.autopod('jobs', 'fetch', batchId, '--out', outOf(ann), '--json');
    expect(fetched.code, fetched.stderr).toBe(0);
    expect(readdirSync(outOf(ann)).filter((name) => name.endsWith('.png'))).toHaveLength(3);
    const costs = JSON.parse((await ann.autopod('costs', '--json')).stdout);
    expect(costs.people).toMatchObject([{ name: 'ann', jobs: 3, done: 3, files: 3 }]);
  });

  it('is killed before it serves: the one before serves again, and each job is run once', async () => {
    await begin('newer', 3, 2);
    const { serve } = fleet.pids();
    const { child, ended } = serveOther();
    const turns = fleet.file('locks', 'serve');
    await until('it has the turn', () => {
      const top = readdirSync(turns).toSorted((a, b) => Number(b) - Number(a))[0] ?? '';
      return JSON.parse(readFileSync(`${turns}/${top}`, 'utf8') || '{}').holder?.pid === child.pid;
    });
    child.kill('SIGKILL');
    await ended;
    await until('the first serves', async () => {
      const now = await status();
      return now.isServed && now.pid === serve && now.engine.isAnswering;
    });
    expect((await allEnded(fleet, 3)).map(jobState)).toEqual(['done', 'done', 'done']);
    expect(timesMade(fleet, 'newer')).toBe(3);
    expect((await ann.autopod('jobs', '--json')).code).toBe(0);
  });

  it('cannot serve: it says why, and the one before goes on', async () => {
    await begin('cannot', 2, 1);
    const { serve } = fleet.pids();
    const { ended, said } = serveOther(['--listen', `127.0.0.1:${new URL(fleet.simulator.url).port}`]);
    expect([await ended, said()]).toEqual([1, expect.stringContaining('is taken')]);
    await until('the first serves', async () => (await status()).pid === serve);
    expect((await allEnded(fleet, 2)).map(jobState)).toEqual(['done', 'done']);
    expect((await ann.autopod('ls', '--json')).code).toBe(0);
  });

  it('may be an earlier one that keeps the same, and is refused where it does not', async () => {
    await begin('down', 1, 1, '0.0.1');
    const { served, said } = serveOther();
    await served;
    expect(said()).toContain(`Version ${VERSION} serves this fleet; it hands over to 0.0.1`);
    expect((await allEnded(fleet, 1)).map(jobState)).toEqual(['done']);
    next?.child.kill('SIGTERM');
    await next?.ended;
    const path = fleet.file('serving.json');
    writeFileSync(
      path,
      JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), version: '99.0.0', layout: 99 }),
    );
    const kept = readFileSync(path, 'utf8');
    const { ended, said: refusal } = serveOther();
    expect([await ended, refusal()]).toEqual([1, expect.stringContaining('later autopod')]);
    expect(readFileSync(path, 'utf8')).toBe(kept);
  });
});
