import { AutopodError } from '../../errors.ts';
import type { FleetCosts } from '../../fleet/wire-jobs.ts';
import { roundedUsd } from '../../store/ledger.ts';
import { COLUMNS, type CostsOptions, chart, costsSince, csvOf } from '../commands/costs.ts';
import type { Context } from '../context.ts';
import { type Gathered, type Grouping, rowsBy, totalsOf } from '../costs/report.ts';
import { costsText } from '../text/costs.ts';
import { fleetText } from '../text/fleet.ts';
import { jobUsd } from '../text/run.ts';
import { uptimeWords } from '../text/uptime.ts';
import { usd } from '../text.ts';
import type { Verb } from '../verb.ts';
import { prose } from '../views/prose.ts';
import { table } from '../views/table.ts';
import { jobClient } from './job-client.ts';
import { clientFor } from './way.ts';

/** What the fleet's pods have cost, all of it, and whose that is; and what they cost now. */
export const costs: Verb<CostsOptions> = async (context, _none, { by = 'person', ...options }) => {
  const from = costsSince(options, context.out.isJson);
  if (by === 'person') return byPerson(context, from, options.csv === true);
  if (by === 'day' || by === 'pod' || by === 'gpu') return byOther(context, from, by, options.csv === true);
  throw new AutopodError('usage', fleetText.notBy(by));
};

async function byPerson(context: Context, from: number, isCsv: boolean): Promise<number> {
  const { out } = context;
  const [told, now] = await Promise.all([jobClient(context).costs(from), runningNow(context)]);
  if (out.isJson) out.json({ ...told, pods: now });
  else if (isCsv) {
    const pools = told.pools.map(({ name, ...sums }) => ({ name: `pool ${name}`, ...sums }));
    out.line(await csvOf([...told.people, ...pools], CSV_COLUMNS));
  } else {
    out.line(prose(fleetText.costsTitle(told.since), out.screen));
    if (told.people.length + told.pools.length > 0) out.line(tableOf(told, out.screen));
    out.line(prose(fleetText.costsTotal(told), out.screen));
    if (!told.isBookRead) out.say(fleetText.bookUnread());
    out.line(fleetText.podsCost(now.count, usd(now.ratePerHour)));
  }
  return 0;
}

const CSV_COLUMNS = ['name', 'jobs', 'done', 'files', 'seconds', 'jobsUsd', 'podsUsd', 'usd', 'sharedUsd'];

function tableOf({ people, pools }: FleetCosts, screen: Context['out']['screen']): string {
  const head = ['WHO', 'JOBS', 'DONE', 'FILES', 'RAN', 'BY JOBS', 'OWN PODS', 'COST', 'WITH WAITING'];
  const rows = [
    ...people.map((one) => [
      one.name,
      String(one.jobs),
      String(one.done),
      String(one.files),
      uptimeWords(one.seconds),
      jobUsd(one.jobsUsd),
      jobUsd(one.podsUsd),
      jobUsd(one.usd),
      jobUsd(one.sharedUsd),
    ]),
    ...pools.map(({ name, usd: cost, sharedUsd }) => [
      `pool ${name}`,
      ...['–', '–', '–', '–', '–', '–'],
      jobUsd(cost),
      jobUsd(sharedUsd),
    ]),
  ];
  return table(head, rows, screen, ['FILES', 'RAN', 'BY JOBS', 'OWN PODS']);
}

async function byOther(context: Context, from: number, by: Grouping, isCsv: boolean): Promise<number> {
  const { out } = context;
  const [bills, now] = await Promise.all([jobClient(context).bills(from), runningNow(context)]);
  const known = new Map(bills.known.map(({ podId, ...what }) => [podId, what]));
  const gathered: Gathered = { ...bills, known, volumes: [], volumeNames: new Map(), jobs: [] };
  const rows = rowsBy(by, gathered);
  const since = new Date(bills.since).toISOString();
  const until = new Date(bills.until).toISOString();
  const totals = totalsOf(gathered);
  if (out.isJson) out.json({ since, until, by, rows, totals, pods: now });
  else if (isCsv) out.line(await csvOf(rows, COLUMNS));
  else {
    out.line(prose(fleetText.costsTitle(since), out.screen));
    out.line(chart(rows, by, out.screen));
    out.line(prose(costsText.totals(totals), out.screen));
    out.line(fleetText.podsCost(now.count, usd(now.ratePerHour)));
  }
  return 0;
}

async function runningNow(context: Context) {
  const pods = await clientFor(context).list();
  return {
    count: pods.length,
    ratePerHour: roundedUsd(pods.reduce((sum, { costPerHour }) => sum + costPerHour, 0)),
    spent: roundedUsd(pods.reduce((sum, pod) => sum + pod.spent, 0)),
  };
}
