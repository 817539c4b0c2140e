import { expect, it } from 'vitest';
import { AutopodError } from '../../src/errors.ts';
import { type FleetJobs, jobObject } from '../../src/fleet/jobs/jobs.ts';
import type { JobNews } from '../../src/fleet/pools/names.ts';
import { begin, step, workDone, workFailed } from '../../src/host/step.ts';
import { jobMachine } from '../../src/machines/job.ts';
import type { JobContext } from '../../src/machines/job-types.ts';
import { jobFacts } from '../support/job-facts.ts';

const { tells } = jobObject({} as FleetJobs);
const asked = begin<JobContext>(jobMachine, { facts: jobFacts({ podId: 'p', pool: 'art', owner: 'ann' }) });
const unanswered = new AutopodError('comfyUnanswered', {});

function told(taken: ReturnType<typeof begin<JobContext>>): [string, string, JobNews['what']][] {
  return (tells?.('k3f9xw', taken) ?? []).map(({ object, key, json }) => [
    object,
    key,
    (json as JobNews).what,
  ]);
}

it('a job that lost its pod out of sight says that it is back when the pod is taken from it, and before says nothing', () => {
  const away = step<JobContext>(jobMachine, asked.saved, workFailed('lookForPrompt', unanswered));
  expect([away.to, told(away)]).toEqual(['waitingForPod', []]);
  const back = step<JobContext>(jobMachine, away.saved, { type: 'pod.taken' });
  expect([back.from, back.to, told(back)]).toEqual([
    'waitingForPod',
    'waitingForPod',
    [['pool', 'art', 'back']],
  ]);
  expect(told(step<JobContext>(jobMachine, asked.saved, { type: 'pod.taken' }))).toEqual([
    ['pool', 'art', 'back'],
  ]);
});

it('a job says once that its pod is free for the next, and once that it is over', () => {
  const made = { kind: 'made', outputs: [], ranMs: 1, startedAt: 1, endedAt: 2 };
  const downloading = step<JobContext>(jobMachine, asked.saved, workDone('lookForPrompt', made));
  expect([downloading.to, told(downloading)]).toEqual(['downloading', [['pool', 'art', 'made']]]);
  const arrived = { type: 'files.arrived', outputs: [] } as { type: string };
  expect(told(step<JobContext>(jobMachine, downloading.saved, arrived))).toEqual([]);
  const done = step<JobContext>(jobMachine, downloading.saved, workDone('fetchFiles', undefined));
  expect([done.to, told(done)]).toEqual(['done', [['pool', 'art', 'ended']]]);
});
