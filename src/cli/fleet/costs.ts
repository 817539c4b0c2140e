import { AutopodError } from '../../errors.ts';
import { roundedUsd } from '../../store/ledger.ts';
import { millionths } from '../running/job-view.ts';
import { fleetText } from '../text/fleet.ts';
import { jobUsd } from '../text/run.ts';
import { uptimeWords } from '../text/uptime.ts';
import { usd } from '../text.ts';
import type { Verb } from '../verb.ts';
import { table } from '../views/table.ts';
import { jobClient } from './job-client.ts';
import { requireNone } from './require-none.ts';
import { clientFor } from './way.ts';

interface Options {
  last?: number;
  since?: number;
  csv?: boolean;
  by: string;
}

const USUAL_MS = 7 * 86_400_000;

/** What each person's jobs have cost: the pods' rate for as long as ComfyUI ran. And what the fleet's pods cost now. */
export const costs: Verb<Options> = async (context, _none, { last, since, csv, by }) => {
  requireNone({ csv }, { csv: '--csv' });
  if (by !== 'day') requireNone({ by }, { by: `--by ${by}` });
  if (last !== undefined && since !== undefined)
    throw new AutopodError('usage', { message: '--last and --since do not go together.' });
  const { out } = context;
  const from = since ?? Date.now() - (last ?? USUAL_MS);
  const [people, pods] = await Promise.all([jobClient(context).costs(from), clientFor(context).list()]);
  const ratePerHour = roundedUsd(pods.reduce((sum, { costPerHour }) => sum + costPerHour, 0));
  const spent = roundedUsd(pods.reduce((sum, pod) => sum + pod.spent, 0));
  if (out.isJson) {
    out.json({
      since: new Date(from).toISOString(),
      people: people.map((one) => ({ ...one, usd: millionths(one.usd) })),
      usd: millionths(people.reduce((sum, one) => sum + one.usd, 0)),
      pods: { count: pods.length, ratePerHour, spent },
    });
    return 0;
  }
  if (people.length === 0) out.say(fleetText.noJobCosts());
  else {
    const rows = people.map(({ name, jobs, done, files, seconds, usd: cost }) => [
      name,
      String(jobs),
      String(done),
      String(files),
      uptimeWords(seconds),
      jobUsd(cost),
    ]);
    out.line(table(['WHO', 'JOBS', 'DONE', 'FILES', 'RAN', 'COST'], rows, out.screen, ['FILES', 'RAN']));
  }
  out.line(fleetText.podsCost(pods.length, usd(ratePerHour)));
  return 0;
};
