import { filesHere } from '../../jobs/files/index.ts';
import type { JobFacts } from '../../machines/job-types.ts';
import { hasEnded, type JobRecord, jobState } from '../../store/job-record.ts';
import { JobStore } from '../../store/jobs.ts';
import { jobJson } from '../running/job-view.ts';
import { jobUsd, runText } from '../text/run.ts';
import { JOB_STATE_WORDS } from '../text/states.ts';
import { momentOf } from '../text/time.ts';
import { uptimeWords } from '../text/uptime.ts';
import type { Verb } from '../verb.ts';
import { table } from '../views/table.ts';

/** Ended jobs that are shown besides those that go on. */
const MOST_ENDED = 20;

/** Jobs that have not ended and the last ones that have; with `--all` every one. */
export const jobsList: Verb<{ all?: boolean }> = async (context, _named, { all }) => {
  const { out } = context;
  const store = new JobStore(context.home());
  const records: JobRecord[] = [];
  for await (const record of store.all()) {
    records.push(record);
    if (!all && records.length > 4 * MOST_ENDED) keepLatest(records);
  }
  if (!all) keepLatest(records);
  records.sort(inOrder);
  if (out.isJson) {
    out.json({ jobs: records.map(jobJson) });
    return 0;
  }
  if (records.length === 0) {
    out.say(runText.noJobs());
    return 0;
  }
  out.line(jobTable(records, out.screen));
  return 0;
};

/** Jobs as a table, each in its row. */
export function jobTable(records: JobRecord[], screen: Parameters<typeof table>[2]): string {
  const isOwned = records.some(({ facts }) => facts.owner !== undefined);
  const head = ['JOB', 'NAME', 'STATE', 'POD', 'MADE', 'RAN', 'COST', 'FILES', 'BATCH'];
  const rows = records.map((record) => [...row(record), ...(isOwned ? [record.facts.owner ?? '–'] : [])]);
  return table([...head, ...(isOwned ? ['OWNER'] : [])], rows, screen, ['BATCH', 'MADE', 'POD', 'NAME']);
}

function row(record: JobRecord): string[] {
  const { facts } = record;
  const { jobId, batchId, name, podId, ranOn, createdAt, ranMs, usd } = facts;
  return [
    jobId,
    name,
    JOB_STATE_WORDS[jobState(record)],
    ranOn?.podId ?? podId ?? '–',
    momentOf(new Date(createdAt)),
    ranMs === null ? '–' : uptimeWords(ranMs / 1000),
    usd === null ? '–' : jobUsd(usd),
    filesCell(facts),
    batchId === jobId ? '–' : batchId,
  ];
}

/** How many files are here, of how many where some are missing. */
function filesCell(facts: JobFacts): string {
  if (facts.cleanedAt !== undefined) return 'removed';
  const here = filesHere(facts).length;
  const wanted = (facts.outputs ?? []).filter(({ type }) => facts.withPreviews || type !== 'temp').length;
  return here >= wanted ? String(here) : `${here} of ${wanted}`;
}

function keepLatest(records: JobRecord[]): void {
  const ended = records.filter(hasEnded).toSorted(inOrder);
  const dropped = new Set(ended.slice(0, -MOST_ENDED));
  const kept = records.filter((record) => !dropped.has(record));
  records.splice(0, records.length, ...kept);
}

function inOrder(a: JobRecord, b: JobRecord): number {
  return a.facts.createdAt - b.facts.createdAt || a.facts.index - b.facts.index;
}
