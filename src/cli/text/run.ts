import type { JobState } from '../../machines/job-types.ts';
import type { Candidate } from '../../machines/pod-types.ts';
import { candidateWords, usd } from '../text.ts';
import { megabytes } from './detail.ts';
import { JOB_STATE_WORDS } from './states.ts';
import { uptimeWords } from './uptime.ts';

/** Words of `run` and `jobs`. */
export const runText = {
  waitingForComfy: (podId: string, seconds: number) =>
    `ComfyUI on pod ${podId} does not answer yet; waiting${Number.isFinite(seconds) ? ` for up to ${uptimeWords(Math.ceil(seconds))}` : ''}.`,
  needsPod: (named: string | undefined) =>
    named === undefined
      ? 'Make one with `autopod up`, or have it made by adding --up.'
      : `Bring it up with \`autopod up ${named}\`, or have it done by adding --up.`,
  renting: (missing: number, there: number, candidate: Candidate) =>
    `${there > 0 ? `${pods(there)} there; ${missing} more` : pods(missing)} to rent, the first candidate being ${candidateWords(candidate)}.`,
  rentQuestion: (missing: number, perHour: number) =>
    `Rent ${pods(missing)} at ${usd(perHour)} each, ${usd(missing * perHour)} in all? [y/N] `,
  nothingToSet: () => 'Nothing in it can be set: its nodes take no values, or the server does not know them.',
  wouldUpload: (path: string, bytes: number) => `Would upload ${path} (${megabytes(bytes)}).`,
  wouldNotRun: (name: string) => `${name} would not run.`,
  wouldRun: (name: string, jobs: number) =>
    jobs === 1 ? `${name} would run.` : `${name} would run as ${jobs} jobs.`,
  doneOne: (seconds: number, files: number, cost: number) =>
    `Done in ${uptimeWords(seconds)}: ${count(files, 'file')}, ${jobUsd(cost)}.${files > 0 ? '' : ' ComfyUI makes nothing anew for values that it has had (--seed random), and previews come with --previews only.'}`,
  ended: (
    { done, failed, cancelled }: Record<'done' | 'failed' | 'cancelled', number>,
    files: number,
    cost: number,
  ) =>
    `${[
      `${count(done, 'job')} done`,
      failed > 0 ? `${failed} failed` : '',
      cancelled > 0 ? `${cancelled} cancelled` : '',
    ]
      .filter(Boolean)
      .join(', ')}: ${count(files, 'file')}, ${jobUsd(cost)}.`,
  jobEnded: (jobId: string, name: string, nth: number, of: number, state: JobState, ranMs: number | null) =>
    `${nth} of ${of}: ${jobId} (${name}) ${JOB_STATE_WORDS[state]}${ranMs === null ? '' : ` in ${uptimeWords(ranMs / 1000)}`}`,
  kept: (batchId: string, jobs: number) =>
    `${jobs === 1 ? `Job ${batchId} is` : `Batch ${batchId} of ${jobs} jobs is`} kept; nothing is made twice, whatever happens.`,
  goesOn: (batchId: string) =>
    `It goes on without this command. Follow it with: autopod jobs wait ${batchId}. Cancel it with: autopod jobs cancel ${batchId}`,
  interruptQuestion: (batchId: string, jobs: number) =>
    `\nGo on without this command, or cancel ${jobs === 1 ? `job ${batchId}` : `all jobs of ${batchId} that have not ended`}? [G/c] `,
  deadlineFirst: (podId: string, at: string, left: string) =>
    `Pod ${podId} is to be stopped at ${at}, and the jobs need about ${left} more. Give it more time with: autopod tunnel ${podId} --stop-after never`,
  sameJobs: (same: number) =>
    `${same === 1 ? 'One of the jobs is' : `${same} of the jobs are`} the same as another one; ComfyUI makes nothing anew for them. --seed random makes them differ.`,
  cancelled: (jobs: number, of = jobs) =>
    jobs === 0
      ? `${of === 1 ? 'It' : `Each of the ${of} jobs`} had run by then; nothing was cancelled.`
      : `Cancelled ${jobs === of ? count(jobs, 'job') : `${jobs} of ${count(of, 'job')}; the others had ended`}.`,
  endedAlready: (named: string) => `${named} has ended already; nothing was cancelled.`,
  noJobs: () => 'No jobs. Make one with: autopod run FILE',
  nothingToWaitFor: () => 'Every job has ended.',
  jobTitle: () => 'Job',
  submittedTimes: (times: number) => `${times} times, as its ComfyUI did not know of it any more`,
  submittedAgain: (jobId: string, reason: string) => `Job ${jobId}: ${reason}.`,
  notMade: (what: string[]) =>
    `ComfyUI ran it without some of its outputs, which it found invalid:\n  ${what.join('\n  ')}`,
  podWithout: (podId: string, standing: 'stopped' | 'gone', goesOn: boolean) =>
    standing === 'gone'
      ? `Pod ${podId} is gone; its jobs ${goesOn ? 'go to the others' : 'cannot go on'}.`
      : `Pod ${podId} is stopped; its jobs ${goesOn ? 'go to the others, and it gets more' : 'wait'} once it runs: autopod start ${podId}`,
  unknownFile: (file: string) =>
    `No job of this machine is known to have made ${file}; a file is known by its content, as long as it is not edited.`,
  notEnded: (jobId: string) => ({
    message: `Job ${jobId} has not ended; its files come by themselves.`,
    next: `Follow it with \`autopod jobs wait ${jobId}\`.`,
  }),
  nothingToRetry: (named: string) => ({
    message: `No job of ${named} has failed or was cancelled.`,
    next: 'Name a single job to make it again.',
  }),
  retryElsewhere: () => 'Name a pod that runs: autopod jobs retry JOB POD. See `autopod ls`.',
  fetched: (jobId: string) => `All that ${jobId} has made is here.`,
  endingPods: (podIds: string[], then: 'stop' | 'kill', seconds: number) =>
    `Nothing is left for ${podIds.length === 1 ? 'pod' : 'pods'} ${podIds.join(', ')}; waiting for up to ${uptimeWords(seconds)} until RunPod shows ${podIds.length === 1 ? 'it' : 'them'} ${then === 'stop' ? 'stopped' : 'ended'}.`,
  podStillRuns: (podId: string, then: 'stop' | 'kill') =>
    `Pod ${podId} still runs and costs: other jobs need it, or RunPod has not done it yet. The keeper goes on trying; to do it yourself: autopod ${then} ${podId}`,
  podKept: (podId: string, batchId: string) =>
    `Pod ${podId} is kept and costs: what it made could not be kept here. Fetch it with: autopod jobs fetch ${batchId}, then: autopod kill ${podId}`,
  podsEnded: (podIds: string[], then: 'stop' | 'kill') =>
    `${then === 'stop' ? 'Stopped' : 'Ended'} ${podIds.length === 1 ? 'pod' : 'pods'} ${podIds.join(', ')}: no GPU is paid for any more.`,
  podsBegun: () =>
    'Pods that were begun cost: autopod ls shows them, and the same command goes on with them.',
  podsLeft: (podIds: string[]) =>
    `${podIds.length === 1 ? 'Pod' : 'Pods'} ${podIds.join(', ')} ${podIds.length === 1 ? 'was' : 'were'} rented for this and ${podIds.length === 1 ? 'costs' : 'cost'}: end with autopod kill what is not needed.`,
  withoutPod: (why: string) => `Going on without one of the pods: ${why}`,
};

function pods(number: number): string {
  return count(number, 'pod');
}

function count(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? '' : 's'}`;
}

/** USD of a job: a tenth of a cent matters there. */
export function jobUsd(amount: number): string {
  return `$${amount.toFixed(amount < 0.1 ? 4 : 2)}`;
}
