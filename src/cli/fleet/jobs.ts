import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { AutopodError } from '../../errors.ts';
import type { FleetJob } from '../../fleet/wire-jobs.ts';
import { filesHere } from '../../jobs/files/index.ts';
import type { BatchFacts } from '../../machines/job-types.ts';
import { hasEnded, isToRetry, type JobRecord, jobState } from '../../store/job-record.ts';
import { jobTable } from '../commands/jobs-list.ts';
import { showJob } from '../commands/jobs-show.ts';
import { jobJson } from '../running/job-view.ts';
import { writableOut } from '../running/out-folder.ts';
import { saySummary } from '../running/summary.ts';
import { Tally } from '../running/tally.ts';
import { fleetText } from '../text/fleet.ts';
import { runText } from '../text/run.ts';
import { momentOf } from '../text/time.ts';
import type { Verb } from '../verb.ts';
import { type JobClient, jobClient } from './job-client.ts';
import { filesOfJob, recordOf } from './job-files.ts';
import { goingOn, meant } from './job-meant.ts';
import { patiently } from './patiently.ts';
import { requireNoPod } from './run.ts';
import { batchJson, followedJobs, seeJobsThrough } from './see-jobs-through.ts';

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
    if (job.progress?.isWaitingForRoom) out.say(fleetText.waitsForRoom(), 'warning');
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
export const jobsFetch: Verb<{ out?: string }> = async (context, named, options) => {
  const { out, signal } = context;
  const client = jobClient(context);
  const { batch, job } = await meant(context, named);
  const folder = await writableOut(options.out ?? USUAL_OUT);
  if (job && !hasEnded(recordOf(job))) {
    throw new AutopodError('usage', runText.notEnded(job.facts.jobId));
  }
  const records: JobRecord[] = [];
  const jobs = job ? [job] : await allOf(client, batch);
  requireKept(jobs);
  for (const one of jobs) {
    const { jobId, cleanedAt } = one.facts;
    if (cleanedAt !== undefined)
      out.say(fleetText.filesRemoved(jobId, momentOf(new Date(cleanedAt))), 'warning');
    const record = await filesOfJob(one, folder, client.download, signal);
    records.push(record);
    if (!out.isJson) for (const { path } of filesHere(record.facts)) out.line(path);
    if (jobState(record) === 'done' && cleanedAt === undefined) out.say(runText.fetched(jobId));
  }
  if (out.isJson) out.json({ jobs: records.map(jobJson) });
  return 0;
};

interface RetryOptions {
  preview: boolean;
  detach?: boolean;
  jsonStream?: boolean;
  pool?: string;
  out?: string;
}

/** Makes a job anew, or those of a batch that failed or were cancelled, with the same values and seeds, as jobs of one's own. */
export const jobsRetry: Verb<RetryOptions> = async (
  context,
  named,
  { pool, out: asked = USUAL_OUT, ...options },
  pod,
) => {
  requireNoPod(pod);
  const client = jobClient(context);
  const { batch, job } = await meant(context, named);
  const out = await writableOut(asked);
  const isAny = job !== null || (await allOf(client, batch)).some((one) => isToRetry(recordOf(one)));
  if (!isAny) throw new AutopodError('usage', runText.nothingToRetry(named ?? batch.batchId));
  // Asked again with it, as after a lost answer, nothing is made twice.
  const request = { submission: randomUUID(), ...(pool !== undefined && { pool }) };
  const id = job?.facts.jobId ?? batch.batchId;
  const again = await patiently(context, () => client.retry(id, request));
  return seeJobsThrough(context, again.batch, { ...options, out });
};

/** Throws `filesCleaned` where nothing of what they made is kept any more. */
function requireKept(jobs: FleetJob[]): void {
  const [first] = jobs;
  const { jobId: job = '', cleanedAt } = first?.facts ?? {};
  if (cleanedAt === undefined || jobs.some(({ facts }) => facts.cleanedAt === undefined)) return;
  throw new AutopodError('filesCleaned', { job, at: new Date(cleanedAt).toISOString() });
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
