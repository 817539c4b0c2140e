import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { AutopodError } from '../../errors.ts';
import { jobOfFile } from '../../jobs/files/index.ts';
import { sha256Of } from '../../services/comfyui/index.ts';
import { type JobRecord, jobState } from '../../store/job-record.ts';
import { JobStore } from '../../store/jobs.ts';
import type { Context } from '../context.ts';
import { type Meant, meant, theUnfinished } from '../running/job-ref.ts';
import { jobJson } from '../running/job-view.ts';
import { batchJson } from '../running/see-through.ts';
import { saySummary } from '../running/summary.ts';
import { Tally } from '../running/tally.ts';
import { FAILURE_WORDS } from '../text/failures.ts';
import { jobUsd, runText } from '../text/run.ts';
import { JOB_STATE_WORDS } from '../text/states.ts';
import { momentOf } from '../text/time.ts';
import type { Verb } from '../verb.ts';
import { panel, type Row } from '../views/panel.ts';
import { jobTable } from './jobs-list.ts';

/** All about one job or batch; a file that was made tells its job. */
export const jobsShow: Verb<object> = async (context, named) => {
  const store = new JobStore(context.home());
  const found = await jobOrFile(store, named);
  if (found.job) showJob(context, found.job);
  else await showBatch(context, store, found);
  return 0;
};

/** The job that is named by itself or by a file it made. */
export async function jobOrFile(store: JobStore, named: string | undefined): Promise<Meant> {
  if (named === undefined) return theUnfinished(store);
  const isFile = await stat(named).then(
    (entry) => entry.isFile(),
    () => false,
  );
  if (!isFile) return meant(store, named);
  const jobId = (await jobOfFile(resolve(named))) ?? (await jobByContent(store, named));
  if (jobId === undefined)
    throw new AutopodError('jobNotFound', { job: named, reason: runText.unknownFile(named) });
  return meant(store, jobId);
}

/** The last job that made a file of the same content; what was copied elsewhere has nothing beside it. */
async function jobByContent(store: JobStore, file: string): Promise<string | undefined> {
  const sha256 = await sha256Of(file);
  let found: JobRecord['facts'] | undefined;
  for await (const { facts } of store.all()) {
    const hasMade = [...(facts.outputs ?? []), ...(facts.kept ?? [])].some((one) => one.sha256 === sha256);
    if (hasMade && facts.createdAt >= (found?.createdAt ?? 0)) found = facts;
  }
  return found?.jobId;
}

export function showJob({ out }: Context, record: JobRecord): void {
  const shown = jobJson(record);
  if (out.isJson) {
    out.json(shown);
    return;
  }
  const { failure } = record.facts;
  const words = failure && FAILURE_WORDS[failure.code](failure.detail);
  const state = jobState(record);
  const rows: Row[] = [
    ['Job', `${shown.jobId} (${shown.name})`],
    ['State', JOB_STATE_WORDS[state], state === 'done' ? 'good' : state === 'failed' ? 'bad' : 'strong'],
    ...(words ? [['Failure', [words.what, words.why].filter(Boolean).join(' ')] as Row] : []),
    ...(shown.batchId === shown.jobId
      ? []
      : [['Batch', `${shown.batchId}, number ${shown.index + 1}`] as Row]),
    ...(record.facts.owner ? [['Owner', `${record.facts.owner}, by pool ${record.facts.pool}`] as Row] : []),
    ['Pod', shown.podId === null ? 'none yet' : `${shown.podId}${shown.gpu ? `, ${shown.gpu}` : ''}`],
    ['Made', shown.createdAt ?? ''],
    ['Ran', shown.seconds === null ? 'not yet' : `${shown.seconds}s`],
    ...submittedRows(record.facts.submissions.length),
    ['Cost', shown.usd === null ? 'unknown' : jobUsd(shown.usd)],
    ...listed('Changed', shown.changes),
    ...listed(
      'Seeds',
      Object.entries(shown.seeds).map(([input, seed]) => `${input}=${seed}`),
    ),
    ...listed(
      'Files',
      shown.files.map(({ path }) => path),
    ),
    ...(shown.cleanedAt ? [['Files', `removed on ${momentOf(new Date(shown.cleanedAt))}`] as Row] : []),
    ...listed('Not made', shown.notMade),
  ];
  out.line(panel(runText.jobTitle(), rows, out.screen));
}

/** Once needs no word. */
function submittedRows(times: number): Row[] {
  return times > 1 ? [['Submitted', runText.submittedTimes(times)]] : [];
}

function listed(label: string, values: string[]): Row[] {
  return values.map((value, at) => [at === 0 ? label : '', value]);
}

async function showBatch({ out }: Context, store: JobStore, { batch }: Meant): Promise<void> {
  const tally = new Tally();
  const records: JobRecord[] = [];
  for await (const record of store.ofBatch(batch.batchId)) {
    tally.add(record);
    records.push(record);
  }
  if (out.isJson) {
    out.json(await batchJson(store, batch, tally.json()));
    return;
  }
  out.line(jobTable(records, out.screen));
  saySummary(out, tally, batch.count);
}
