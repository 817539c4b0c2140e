import { setTimeout as sleep } from 'node:timers/promises';
import { ageMs } from '../clock.ts';
import type { Found, JobFacts, Submission } from '../machines/job-types.ts';
import {
  type ComfyWay,
  deletePending,
  findPrompt,
  interruptPrompt,
  type Standing,
} from '../services/comfyui/index.ts';
import type { WorkEnvironment } from './environment.ts';
import { wantedOutputs } from './files/index.ts';

/** Milliseconds between two looks that follow each other. */
const SOON_MS = 150;

type Env = Pick<WorkEnvironment, 'pods' | 'timings'>;

/** Where a job is: what is here and on disk decides, and where that leaves it open its ComfyUI is asked. */
export async function lookForPrompt(env: Env, facts: JobFacts, signal: AbortSignal): Promise<Found> {
  const { podId, outputs, asked } = facts;
  const last = facts.submissions.at(-1);
  const isAtPod = last !== undefined && last.sentAt !== null && last.podId === podId;
  if (outputs && (isWhole(facts) || last?.podId === podId)) return known(facts, outputs);
  if (!isAtPod && asked === 'cancel') return { kind: 'cancelled' };
  if (podId === null) return { kind: 'nowhere' };
  if (!last || last.sentAt === null) return { kind: 'notSent' };
  if (!isAtPod) return { kind: 'lost' };
  const way = env.pods.way(podId);
  const standing =
    asked === 'cancel' ? await takenBack(env, way, last, signal) : await sureStanding(env, way, last, signal);
  if (asked === 'cancel' && (standing.kind === 'unknown' || standing.kind === 'interrupted'))
    return { kind: 'cancelled' };
  return foundBy(standing, last);
}

/** Whether a look would find that no ComfyUI was ever asked for it, without asking one. */
export function isUnsent({ podId, outputs, asked, submissions }: JobFacts): boolean {
  const { sentAt = null } = submissions.at(-1) ?? {};
  return podId !== null && outputs === null && asked === null && sentAt === null;
}

/** Whether all that a job made is on this machine. */
function isWhole(facts: JobFacts): boolean {
  return facts.outputs !== null && wantedOutputs(facts).every(({ path }) => path !== null);
}

/** What a standing at ComfyUI means for a job. */
export function foundBy(standing: Standing, last: Submission): Found {
  switch (standing.kind) {
    case 'unknown':
      return { kind: last.isTaken ? 'lost' : 'notSent' };
    case 'pending':
      return { kind: 'pending' };
    case 'running':
      return { kind: 'running' };
    case 'done':
      return { ...standing, kind: 'made' };
    case 'failed':
      return standing;
    case 'interrupted':
      return { ...standing, kind: 'failed', failure: { code: 'promptInterrupted', detail: {} } };
  }
}

function known(facts: JobFacts, outputs: NonNullable<JobFacts['outputs']>): Found {
  const { failure, ranMs, startedAt, endedAt } = facts;
  const ran = { outputs, ranMs, startedAt, endedAt };
  return failure ? { kind: 'failed', failure, ...ran } : { kind: 'made', ...ran };
}

/** A prompt that ComfyUI does not know is asked for once more, or as long as it may still be on its way. */
async function sureStanding(
  { timings }: Env,
  way: ComfyWay,
  { promptId, sentAt, isTaken }: Submission,
  signal: AbortSignal,
): Promise<Standing> {
  const mayArriveMs = isTaken
    ? SOON_MS
    : timings.jobArrivalMs - Math.min(ageMs(sentAt ?? 0), timings.jobArrivalMs);
  const until = performance.now() + Math.max(mayArriveMs, SOON_MS);
  for (;;) {
    const standing = await findPrompt(way, promptId, signal);
    if (standing.kind !== 'unknown' || performance.now() > until) return standing;
    await sleep(SOON_MS, undefined, { signal });
  }
}

/** Takes a prompt out of the queue, or interrupts it if it is the one that runs, until ComfyUI does not have it any more. */
async function takenBack(env: Env, way: ComfyWay, last: Submission, signal: AbortSignal): Promise<Standing> {
  for (;;) {
    const standing = await sureStanding(env, way, last, signal);
    if (standing.kind === 'pending') await deletePending(way, last.promptId, signal);
    else if (standing.kind === 'running') await interruptPrompt(way, last.promptId, signal);
    else return standing;
    await sleep(SOON_MS, undefined, { signal });
  }
}
