import { setTimeout as sleep } from 'node:timers/promises';
import { AutopodError } from '../../errors.ts';
import type { FleetJob } from '../../fleet/wire-jobs.ts';
import { filesHere } from '../../jobs/files/index.ts';
import type { BatchFacts } from '../../machines/job-types.ts';
import { hasEnded, type JobRecord, jobState } from '../../store/jobs.ts';
import { jobTable } from '../commands/jobs-list.ts';
import { showJob } from '../commands/jobs-show.ts';
import type { Context } from '../context.ts';
import { jobJson } from '../running/job-view.ts';
import { writableOut } from '../running/out-folder.ts';
import { saySummary } from '../running/summary.ts';
import { Tally } from '../running/tally.ts';
import { fleetText } from '../text/fleet.ts';
import { runText } from '../text/run.ts';
import type { Verb } from '../verb.ts';
import { type JobClient, jobClient } from './job-client.ts';
import { filesOfJob, recordOf } from './job-files.ts';
import { requireNone } from './require-none.ts';
import { batchJson, followedJobs } from './see-jobs-through.ts';

const LOOK_MS = 300;
/** Where files are written, as `run` does it. */
const USUAL_OUT = 'autopod-output';

/** Jobs of everybody that go on and the last ones that have ended; with `--all` every one. */
export const jobsList: Verb<{ all?: boolean }> = async (context, _none, { all }) => {
  const { out } = context;
  const { jobs, unlisted } = await jobClient(context).jobs(all === true);
  if (out.isJson) out.json({ jobs: jobs.map(ownedJson), unlisted });
  else if (jobs.length === 0) out.say(runText.noJobs());
  else out.line(jobTable(jobs.map(recordOf), out.screen));
  if (unlisted > 0) out.say(fleetText.moreWait(unlisted));
  return 0;
};

export const jobsShow: Verb<object> = async (context, named) => {
  const { out } = context;
  const { batch, job } = await meant(context, named);
  if (job) {
    if (out.isJson) out.json(ownedJson(job));
    else showJob(context, recordOf(job));
    return 0;
  }
  const records = (await allOf(jobClient(context), batch)).map(recordOf);
  const tally = new Tally();
  for (const record of records) tally.add(record);
  if (out.isJson) out.json(batchJson(batch, records, tally));
  else {
    out.line(jobTable(records, out.screen));
    saySummary(out, tally, batch.count);
  }
  return 0;
};

/** Follows a batch to its end; its files stay with the fleet unless it is run from here. */
export const jobsWait: Verb<{ jsonStream?: boolean; preview: boolean }> = async (context, named, options) => {
  const { out } = context;
  const batches = named === undefined ? await goingOn(context) : [(await meant(context, named)).batch];
  if (batches.length === 0) out.say(runText.nothingToWaitFor());
  const shown: object[] = [];
  let worst = 0;
  for (const batch of batches) {
    context.resume = `autopod jobs wait ${batch.batchId}`;
    const { exitCode, json } = await followedJobs(context, batch, options);
    out.say(fleetText.filesThere(batch.batchId));
    shown.push(json);
    worst = Math.max(worst, exitCode);
  }
  if (options.jsonStream) out.jsonLine({ batches: shown });
  else if (out.isJson) out.json({ batches: shown });
  return worst;
};

/** Takes jobs back, and waits until they have ended. */
export const jobsCancel: Verb<object> = async (context, named) => {
  const { out, signal, deadline } = context;
  const client = jobClient(context);
  const { batch, job } = await meant(context, named);
  if (job && hasEnded(recordOf(job))) {
    out.say(runText.endedAlready(named ?? batch.batchId));
    if (out.isJson) out.json({ jobs: [] });
    return 0;
  }
  const { batchId, jobIds } = await client.cancel(job?.facts.jobId ?? batch.batchId);
  const asked = new Set(jobIds);
  let jobs: FleetJob[] = [];
  for (;;) {
    jobs = (await allOf(client, batch)).filter(({ facts }) => asked.has(facts.jobId));
    if (jobs.every((one) => hasEnded(recordOf(one)))) break;
    deadline.throwIfOver();
    await sleep(LOOK_MS, undefined, { signal });
  }
  const cancelled = jobs.filter(({ state }) => state === 'cancelled');
  if (out.isJson) out.json({ jobs: jobs.map(ownedJson) });
  else if (jobs.length === 0) out.say(runText.endedAlready(named ?? batchId));
  else out.line(runText.cancelled(cancelled.length, jobs.length));
  return cancelled.length === jobs.length ? 0 : 1;
};

/** Brings here what jobs have made; prints every path. No pod has to run. */
export const jobsFetch: Verb<{ out?: string; previews?: boolean }> = async (context, named, options) => {
  requireNone({ previews: options.previews }, { previews: '--previews' });
  const { out, signal } = context;
  const client = jobClient(context);
  const { batch, job } = await meant(context, named);
  const folder = await writableOut(options.out ?? USUAL_OUT);
  if (job && !hasEnded(recordOf(job))) {
    throw new AutopodError('usage', runText.notEnded(job.facts.jobId));
  }
  const records: JobRecord[] = [];
  for (const one of job ? [job] : await allOf(client, batch)) {
    const record = await filesOfJob(one, folder, client.download, signal);
    records.push(record);
    if (!out.isJson) for (const { path } of filesHere(record.facts)) out.line(path);
    if (jobState(record) === 'done') out.say(runText.fetched(record.facts.jobId));
  }
  if (out.isJson) out.json({ jobs: records.map(jobJson) });
  return 0;
};

/** What it is made of stays with the server; nothing of it is made again from here. */
export const jobsRetry: Verb<object> = async (_context, named = 'JOB') => {
  throw new AutopodError('usage', fleetText.notRetried(named));
};

/** The job or batch that is named, or the only batch of the member's that goes on. Throws `jobNotFound`, `jobNotChosen`. */
async function meant(
  context: Context,
  named: string | undefined,
): Promise<{ batch: BatchFacts; job: FleetJob | null }> {
  const client = jobClient(context);
  if (named !== undefined) return client.job(named);
  const [only, ...others] = await goingOn(context);
  if (!only) throw new AutopodError('jobNotFound', { reason: 'Every job of yours has ended.' });
  if (others.length > 0) {
    throw new AutopodError('jobNotChosen', { jobs: [only, ...others].map(({ batchId }) => batchId) });
  }
  return client.job(only.batchId);
}

/** The member's own batches of which some job has not ended. */
async function goingOn(context: Context): Promise<BatchFacts[]> {
  const client = jobClient(context);
  const own = (await client.jobs(false)).jobs.filter(
    (job) => job.facts.owner === context.fleet?.name && !hasEnded(recordOf(job)),
  );
  const ids = [...new Set(own.map(({ facts }) => facts.batchId))];
  return Promise.all(ids.map(async (id) => (await client.batch(id)).batch));
}

async function allOf(client: JobClient, { batchId, count }: BatchFacts): Promise<FleetJob[]> {
  const jobs: FleetJob[] = [];
  while (jobs.length < count) {
    const more = await client.ofBatch(batchId, jobs.length);
    if (more.length === 0) break;
    jobs.push(...more);
  }
  return jobs;
}

function ownedJson(job: FleetJob) {
  const { owner = '', pool = '' } = job.facts;
  return { ...jobJson(recordOf(job)), owner, pool, progress: job.progress };
}
