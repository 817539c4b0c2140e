import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Output } from '../../src/cli/output/output.ts';
import { progressWords } from '../../src/cli/running/job-progress.ts';
import { jobIdsOf, meant, theUnfinished } from '../../src/cli/running/job-ref.ts';
import { saySummary } from '../../src/cli/running/summary.ts';
import { Tally } from '../../src/cli/running/tally.ts';
import type { JobFacts, JobProgress, JobState } from '../../src/machines/job-types.ts';
import { jobRecord } from '../../src/store/job-record.ts';
import { JobStore } from '../../src/store/jobs.ts';
import { batchFacts, jobFacts } from '../support/job-facts.ts';
import { tempHome } from '../support/temp-home.ts';

const progress = (some: Partial<JobProgress>): JobProgress => ({
  ...{ place: null, nodeId: null, title: null, step: null, steps: null },
  ...{ nodesDone: 0, nodes: 0, leftMs: null, bytes: null, ofBytes: null },
  ...some,
});

describe('how far a job is', () => {
  it.each([
    [progress({ place: 0 }), 'next'],
    [progress({ place: 3 }), '3 before it'],
    [
      progress({ title: 'KSampler', step: 12, steps: 20, nodesDone: 3, nodes: 8, leftMs: 8_400 }),
      '“KSampler”, step 12 of 20, 8s left',
    ],
    [progress({ title: 'Load', step: 0, steps: 1, nodesDone: 3, nodes: 8 }), '“Load”, 3 of 8 nodes'],
    [progress({ bytes: 12_000_000, ofBytes: 40_000_000 }), '12.0 MB of 40.0 MB'],
    [progress({ bytes: 500_000 }), '0.5 MB'],
    [progress({ title: 'a\u001b[2Jb' }), '“ab”'],
    [null, ''],
  ])('%j is told as “%s”', (given, words) => {
    expect(progressWords(given)).toBe(words);
  });
});

const file = (path: string) => ({
  ...{ nodeId: '9', n: 0, filename: 'x.png', subfolder: '', type: 'output' as const },
  ...{ path, bytes: 3, sha256: 'a' },
});
const ran = (
  podId: string,
  ranMs: number,
  usd: number,
  state: JobState = 'done',
  some: Partial<JobFacts> = {},
) =>
  jobRecord(
    jobFacts({
      podId,
      ranMs,
      usd,
      ranOn: { podId, gpu: 'A40', pricePerHour: 0.4, comfyui: '0.33.0' },
      outputs: [file(`/out/${podId}-${ranMs}.png`)],
      ...some,
    }),
    state,
  );

/** What is said on a stderr that is no terminal. */
function said(say: (out: Output) => void): string {
  let words = '';
  const stderr = new Writable({
    write: (chunk, _encoding, done) => {
      words += chunk;
      done();
    },
  });
  say(new Output({ stdout: stderr, stderr }, {}, false));
  return words;
}

describe('what a run has come to', () => {
  it('several jobs: a row for each pod and one in all, with seconds and dollars of each job and file', () => {
    const tally = new Tally();
    tally.add(ran('p1', 10_000, 0.001));
    tally.add(ran('p1', 20_000, 0.002));
    tally.add(ran('p2', 30_000, 0.2));
    tally.add(jobRecord(jobFacts(), 'cancelled'));
    expect(said((out) => saySummary(out, tally, 4)).split('\n')).toEqual([
      'POD     GPU  JOBS  FILES  SECONDS  COST     A JOB          A FILE',
      'p1      A40  2     2      30.0     $0.0030  15.0s $0.0015  15.0s $0.0015',
      'p2      A40  1     1      30.0     $0.20    30.0s $0.20    30.0s $0.20',
      'in all       3     3      60.0     $0.20    20.0s $0.0677  20.0s $0.0677',
      '3 jobs done, 1 cancelled: 3 files, $0.20.',
      '',
    ]);
    expect(tally.json()).toMatchObject({
      done: 3,
      failed: 0,
      cancelled: 1,
      files: 3,
      seconds: 60,
      usd: 0.203,
    });
  });

  it('one job: a line; without a file, why there may be none', () => {
    const one = new Tally();
    one.add(ran('p1', 12_000, 0.0013));
    expect(said((out) => saySummary(out, one, 1))).toBe('Done in 12s: 1 file, $0.0013.\n');
    const none = new Tally();
    none.add(ran('p1', 0, 0, 'done', { outputs: [] }));
    expect(said((out) => saySummary(out, none, 1))).toContain('--seed random');
  });

  it('files of an earlier submission that are kept count, each once', () => {
    const tally = new Tally();
    tally.add(ran('p1', 10, 0, 'done', { kept: [file('/out/p1-10.png'), file('/out/other.png')] }));
    expect(tally.all.files).toBe(2);
  });
});

describe('the job a user means', () => {
  async function store(): Promise<JobStore> {
    const made = new JobStore(tempHome());
    await made.create(batchFacts({ batchId: 'k3f9xw', name: 'fox' }), [
      jobFacts({ jobId: 'k3f9xw', name: 'fox' }),
    ]);
    const many = { batchId: 'mmmmmm', name: 'many' };
    await made.create(batchFacts({ ...many, createdAt: 5, count: 2 }), [
      jobFacts({ ...many, jobId: 'k3g222', name: 'first' }),
      jobFacts({ ...many, jobId: 'k4g222', name: 'second', index: 1 }),
    ]);
    return made;
  }
  const idsOf = async (named: string) => {
    const jobs = await store();
    return jobIdsOf(jobs, await meant(jobs, named));
  };

  it('is named by its id, the beginning of one, or its name; a batch means all of its jobs', async () => {
    expect(await idsOf('k3f9xw')).toEqual(['k3f9xw']);
    expect(await idsOf('k4')).toEqual(['k4g222']);
    expect(await idsOf('fox')).toEqual(['k3f9xw']);
    expect(await idsOf('second')).toEqual(['k4g222']);
    expect(await idsOf('mm')).toEqual(['k3g222', 'k4g222']);
    expect(await idsOf('many')).toEqual(['k3g222', 'k4g222']);
  });

  it('is never guessed at', async () => {
    await expect(idsOf('k3')).rejects.toMatchObject({
      code: 'jobNotChosen',
      detail: { jobs: ['k3f9xw', 'k3g222'] },
    });
    await expect(idsOf('zz')).rejects.toMatchObject({ code: 'jobNotFound', detail: { job: 'zz' } });
    await expect(idsOf('../pods')).rejects.toMatchObject({ code: 'jobNotFound' });
  });

  it('is without a name the only one that goes on', async () => {
    const jobs = await store();
    await expect(theUnfinished(jobs)).rejects.toMatchObject({ code: 'jobNotChosen' });
    await jobs.noteBatch('mmmmmm', { isFinished: true });
    expect((await theUnfinished(jobs)).job?.facts.jobId).toBe('k3f9xw');
    await jobs.noteBatch('k3f9xw', { isFinished: true });
    await expect(theUnfinished(jobs)).rejects.toMatchObject({ code: 'jobNotFound' });
  });
});
