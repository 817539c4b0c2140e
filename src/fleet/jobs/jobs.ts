import { setTimeout as sleep } from 'node:timers/promises';
import { toFailure } from '../../errors.ts';
import type { Step } from '../../host/step.ts';
import type { WorkEnvironment } from '../../jobs/environment.ts';
import { isUnsent } from '../../jobs/look.ts';
import { NO_PROGRESS } from '../../jobs/no-progress.ts';
import { jobWorks } from '../../jobs/works.ts';
import { jobMachine } from '../../machines/job.ts';
import { jobFactsOf } from '../../machines/job-reading.ts';
import type { JobContext, JobFacts, JobProgress, JobState } from '../../machines/job-types.ts';
import { jobRecord, jobState } from '../../store/job-record.ts';
import type { JobStore } from '../../store/jobs.ts';
import type { Asker, Doing, Durable, DurableWork, Word } from '../engine/durable.ts';
import { unkept } from '../engine/unkept.ts';
import type { Fleet } from '../pods/fleet.ts';
import { BOX_MS } from '../pods/works.ts';
import { type JobNews, POOL_OBJECT } from '../pools/names.ts';
import type { Room } from '../storage/room.ts';
import { isToldLast } from '../told-last.ts';
import { JOB_OBJECT } from './names.ts';

/** What the jobs of a fleet are joined to. */
export interface FleetJobs {
  fleet: Pick<Fleet, 'journal'>;
  store: JobStore;
  env: WorkEnvironment;
  /** How far each job at work is; of this process, and kept nowhere. */
  progress: Map<string, JobProgress>;
  /** On the server's disk, for what they make. */
  room: Pick<Room, 'await'>;
}

/** The job machine on the engine: a key for each job's id, begun when a pod is given to it. */
export function jobObject(jobs: FleetJobs, boxMs = BOX_MS): Durable<JobContext> {
  return {
    name: JOB_OBJECT,
    machine: jobMachine,
    works: works(jobs, boxMs),
    keep: (jobId, step, asker, isPassing) => keep(jobs, jobId, step, asker, isPassing),
    tells: newsFor,
    isForgotten: true,
  };
}

function works({ env, store, room }: FleetJobs, boxMs: number): Record<string, DurableWork> {
  /** Each box follows on its own. */
  const doing = async (src: string, { input, signal, send }: Doing): Promise<unknown> => {
    const { works: named, end } = jobWorks(env);
    try {
      return await named[src]?.({ input, signal, send });
    } finally {
      end();
    }
  };
  const boxed = (src: string): DurableWork => ({ boxMs, run: (given) => doing(src, given) });
  return {
    lookForPrompt: {
      ...boxed('lookForPrompt'),
      known: (facts: JobFacts) => (isUnsent(facts) ? () => ({ kind: 'notSent' }) : undefined),
    },
    awaitReach: boxed('awaitReach'),
    prepareJob: boxed('prepareJob'),
    uploadInputs: {
      ...boxed('uploadInputs'),
      known: ({ inputs }: JobFacts) =>
        inputs.length === 0 ? (at: number) => ({ names: [], at }) : undefined,
    },
    submitPrompt: {
      // It may have left: the machine asks for it as long as it may be on its way, before it is sent again.
      whenCutOff: { code: 'comfyUnanswered', detail: { operation: 'the workflow' } },
      run: (given) => doing('submitPrompt', given),
    },
    awaitTurn: boxed('awaitTurn'),
    awaitEnd: boxed('awaitEnd'),
    fetchFiles: {
      boxMs,
      run: (given) =>
        withRoom(room, env, given, async (facts) => {
          // What an earlier box has brought is in the record, not in what this one was begun with.
          const { outputs = null } = (await store.get(facts.jobId))?.facts ?? {};
          const input = { ...facts, outputs: outputs ?? facts.outputs };
          return doing('fetchFiles', { ...given, input: input as never });
        }),
    },
  };
}

/** Brings files where there is room for them, and waits for it where there is none: nothing fails for a full disk. */
async function withRoom(
  room: FleetJobs['room'],
  { onProgress, timings }: WorkEnvironment,
  { input, signal }: Doing,
  bring: (facts: JobFacts) => Promise<unknown>,
): Promise<unknown> {
  const facts = input as JobFacts;
  const sayWaiting = () => onProgress(facts.jobId, { ...NO_PROGRESS, isWaitingForRoom: true });
  for (;;) {
    await room.await(timings.jobPollMs, signal, sayWaiting);
    try {
      return await bring(facts);
    } catch (error) {
      if (toFailure(error).code !== 'diskFull') throw error;
      sayWaiting();
      await sleep(timings.jobPollMs, undefined, { signal });
    }
  }
}

/** Keeps the record that members are shown in step with the machine, and tells the journal. */
async function keep(
  { fleet: { journal }, store, progress }: FleetJobs,
  jobId: string,
  { saved: { value, context }, event, from, to }: Step<JobContext>,
  { who }: Asker,
  isPassing: boolean,
): Promise<void> {
  if (!['queued', 'running', 'downloading'].includes(to)) progress.delete(jobId);
  try {
    let isAgain = false;
    if (!isPassing)
      await store.update(jobId, (saved) => {
        isAgain = jobState(saved) === to;
        return jobRecord(jobFactsOf(context), value as JobState);
      });
    if (from === to) return;
    const told = { machine: 'job@1', id: jobId, from: from ?? 'saved', to };
    if (isAgain && (await isToldLast(journal, told))) return;
    const again = to === 'preparing' && context.submissions.some(({ isTaken }) => isTaken);
    await journal.append({
      at: new Date().toISOString(),
      ...told,
      podId: context.podId ?? context.ranOn?.podId,
      event,
      reason: to === 'failed' ? context.failure?.code : again ? SUBMITTED_AGAIN : undefined,
      who,
    });
  } catch (error) {
    throw unkept(jobId, error);
  }
}

const SUBMITTED_AGAIN = 'its ComfyUI does not know of it any more; it is submitted again';

/** What the job's pool has to know: that its pod is free for the next, that it is over, that no pod has it. */
function newsFor(jobId: string, { saved: { context }, event, from, to }: Step<JobContext>): Word[] {
  // One that had lost its pod out of sight stays in its state, and is back all the same.
  const isBack = event === 'pod.taken' && to === 'waitingForPod';
  if (!isBack && (from === to || !(to in TOLD))) return [];
  const { batchId, pool = '', ranOn, ranMs, usd } = context;
  const news: JobNews = {
    jobId,
    batchId,
    what: isBack ? 'back' : (TOLD[to as keyof typeof TOLD] ?? 'ended'),
    state: to as JobState,
    podId: ranOn?.podId ?? null,
    ranMs,
    usd,
  };
  return [{ object: POOL_OBJECT, key: pool, handler: 'heard', json: news }];
}

const TOLD = { downloading: 'made', done: 'ended', failed: 'ended', cancelled: 'ended' } as const;
