import { type Failure, type FailureCode, toFailure } from '../errors.ts';
import type { Found, JobContext, JobFacts, JobOutput, Submission, Submitted } from './job-types.ts';

// How the job machine reads its events and its context.

/** What a job is run on, and a name for its prompt, to be used unless it has one there already. */
export interface Prepared {
  /** A lower-case UUID. */
  promptId: string;
  ranOn: NonNullable<JobFacts['ranOn']>;
}

export interface Uploaded {
  /** Names as ComfyUI has them, in the order of the job's inputs. */
  names: string[];
  /** Epoch milliseconds. */
  at: number;
}

const MAX_SUBMISSIONS = 4;

/** The durable part of the context. */
export function jobFactsOf({ uploaded: _uploaded, ...facts }: JobContext): JobFacts {
  return facts;
}

export function foundOf(event: unknown): Found | undefined {
  return (event as { output?: Found }).output;
}

export function refusalOf(event: unknown): Failure | undefined {
  const submitted = (event as { output?: Submitted }).output;
  return submitted?.kind === 'refused' ? submitted.failure : undefined;
}

export function failureOf(event: unknown): Failure {
  return toFailure((event as { error?: unknown }).error);
}

export function codeOf(event: unknown): FailureCode {
  return failureOf(event).code;
}

/** With a submission for the pod that has it: one that ComfyUI may have got keeps its name. */
export function handedTo(context: JobContext, { promptId, ranOn }: Prepared): Partial<JobContext> {
  const { podId } = ranOn;
  const last = context.submissions.at(-1);
  if (last && last.podId === podId && !last.isTaken) return { ranOn };
  const before = context.submissions.filter(({ sentAt }) => sentAt !== null);
  return { ranOn, submissions: [...before, { podId, promptId, sentAt: null }] };
}

export function sent(context: JobContext, { names, at }: Uploaded): Partial<JobContext> {
  const submissions = withLast(context, (last) => ({ ...last, sentAt: at }));
  return { uploaded: names, submissions };
}

export function taken(context: JobContext): Partial<JobContext> {
  return { submissions: withLast(context, (last) => ({ ...last, isTaken: true })) };
}

/** It is taken, perhaps without some of its outputs. */
export function accepted(context: JobContext, event: unknown): Partial<JobContext> {
  const submitted = (event as { output?: Submitted }).output;
  const dropped = submitted?.kind === 'taken' ? submitted.dropped : undefined;
  return { ...taken(context), ...(dropped && { dropped }) };
}

/** What ComfyUI made, and what that cost. Files that came of an earlier submission stay. */
export function made(context: JobContext, found: Found | undefined): Partial<JobContext> {
  if (found?.kind !== 'made' && found?.kind !== 'failed') return {};
  const { ranMs, startedAt, endedAt } = found;
  const pricePerHour = context.ranOn?.pricePerHour ?? null;
  const here = [...(context.outputs ?? []), ...(context.kept ?? [])].filter(({ path }) => path !== null);
  return {
    submissions: taken(context).submissions ?? context.submissions,
    outputs: found.outputs.map((output) => here.find((one) => isSameOutput(one, output)) ?? output),
    failure: found.kind === 'failed' ? found.failure : null,
    ranMs,
    startedAt,
    endedAt,
    usd: ranMs === null || pricePerHour === null ? null : (pricePerHour * ranMs) / 3.6e6,
  };
}

/** A pod's ComfyUI that had it has it no more. */
export function afresh(context: JobContext): Partial<JobContext> {
  const kept = [...(context.kept ?? []), ...(context.outputs ?? []).filter(({ path }) => path !== null)];
  return { ...taken(context), outputs: null, dropped: [], kept, failure: null };
}

/** It was handed over so often that there is something wrong with it, such as that ComfyUI dies of it. */
export function isOutOfTries({ submissions }: JobContext): boolean {
  return submissions.length >= MAX_SUBMISSIONS;
}

export function lostForGood({ podId, submissions }: JobContext): Partial<JobContext> {
  return { failure: { code: 'promptLost', detail: { podId: podId ?? '', times: submissions.length } } };
}

function isSameOutput(one: JobOutput, other: JobOutput): boolean {
  return one.nodeId === other.nodeId && one.n === other.n;
}

function withLast({ submissions }: JobContext, change: (last: Submission) => Submission): Submission[] {
  const last = submissions.at(-1);
  return last ? [...submissions.slice(0, -1), change(last)] : submissions;
}
