import type { Candidate } from '../../machines/pod-types.ts';
import { candidateWords, usd } from '../text.ts';
import { megabytes } from './detail.ts';
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
  withoutPod: (why: string) => `Going on without one of the pods: ${why}`,
};

function pods(count: number): string {
  return `${count} pod${count === 1 ? '' : 's'}`;
}

/** USD of a job: a tenth of a cent matters there. */
export function jobUsd(amount: number): string {
  return `$${amount.toFixed(amount < 0.1 ? 4 : 2)}`;
}
