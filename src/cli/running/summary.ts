import type { Output } from '../output/output.ts';
import { jobUsd, runText } from '../text/run.ts';
import { table } from '../views/table.ts';
import type { PodTally, Tally } from './tally.ts';

/** What a run has come to, in words on stderr: a line for one job, a table by pod for several. */
export function saySummary(out: Output, tally: Tally, count: number): void {
  const { all, ended, pods } = tally;
  if (count === 1) {
    if (ended.done === 1) out.say(runText.doneOne(all.ranMs / 1000, all.files, all.usd), 'good');
    return;
  }
  if (pods.length > 0) {
    const rows = pods.map((pod) => row(pod.podId, pod.gpu ?? '–', pod));
    if (pods.length > 1) rows.push(row('in all', '', all));
    out.say(table(HEAD, rows, out.wordsScreen, ['GPU', 'A JOB']));
  }
  const isWell = ended.failed + ended.cancelled === 0;
  out.say(runText.ended(ended, all.files, all.usd), isWell ? 'good' : 'bad');
}

const HEAD = ['POD', 'GPU', 'JOBS', 'FILES', 'SECONDS', 'COST', 'A JOB', 'A FILE'];

function row(
  name: string,
  gpu: string,
  { jobs, files, ranMs, usd }: Omit<PodTally, 'podId' | 'gpu'>,
): string[] {
  const each = (count: number) =>
    count === 0 ? '–' : `${(ranMs / 1000 / count).toFixed(1)}s ${jobUsd(usd / count)}`;
  return [
    name,
    gpu,
    String(jobs),
    String(files),
    (ranMs / 1000).toFixed(1),
    jobUsd(usd),
    each(jobs),
    each(files),
  ];
}
