import { AutopodError } from '../../errors.ts';
import type { Pod } from '../../services/runpod/client.ts';
import { observePod } from '../../services/runpod/pod-state.ts';
import { roundedUsd } from '../../store/ledger.ts';
import { gather } from '../costs/gather.ts';
import { type Grouping, type Row, rowsBy, totalsOf } from '../costs/report.ts';
import type { Screen } from '../output/screen.ts';
import { costsText } from '../text/costs.ts';
import type { Verb } from '../verb.ts';
import { prose } from '../views/prose.ts';
import { table } from '../views/table.ts';

export interface CostsOptions {
  /** Milliseconds. */
  last?: number;
  /** Epoch milliseconds. */
  since?: number;
  by?: Grouping | 'person';
  csv?: boolean;
}

export const COLUMNS = ['key', 'name', 'usd', 'bookedUsd', 'unbookedUsd'];
const USUAL_MS = 7 * 86_400_000;

/** What the account's pods and network volumes have cost, whoever made them, and what runs now at which rate. */
export const costs: Verb<CostsOptions> = async (context, _none, { last, since, by = 'day', csv }) => {
  const { out } = context;
  if (by === 'person') throw new AutopodError('usage', costsText.noPersons());
  const { gathered, pods } = await gather(context, costsSince({ last, since, csv }, out.isJson));
  const rows = rowsBy(by, gathered);
  const report = {
    since: new Date(gathered.since).toISOString(),
    until: new Date(gathered.until).toISOString(),
    by,
    rows,
    totals: totalsOf(gathered),
    running: runningNow(pods),
    ratePerHour: roundedUsd(pods.reduce((sum, pod) => sum + observePod(pod).costPerHour, 0)),
  };
  if (out.isJson) out.json(report);
  else if (csv) out.line(await csvOf(rows, COLUMNS));
  else {
    out.line(prose(costsText.title(report), out.screen));
    out.line(chart(rows, by, out.screen));
    out.line(prose(costsText.totals(report.totals), out.screen));
    out.line(prose(costsText.running(report), out.screen));
  }
  return 0;
};

/** From when on, epoch milliseconds. Throws `usage` for options that do not go together. */
export function costsSince(
  { last, since, csv }: { [Name in 'last' | 'since' | 'csv']?: CostsOptions[Name] | undefined },
  isJson: boolean,
  now = Date.now(),
): number {
  if (last !== undefined && since !== undefined) throw bothSaid('--last', '--since');
  if (csv && isJson) throw bothSaid('--csv', '--json');
  if (since === undefined || since < now) return since ?? now - (last ?? USUAL_MS);
  throw new AutopodError('usage', {
    message: `--since is ${new Date(since).toISOString()}, which is still to come.`,
  });
}

function bothSaid(one: string, other: string): AutopodError {
  return new AutopodError('usage', { message: `${one} and ${other} do not go together.` });
}

function runningNow(pods: Pod[]) {
  return pods
    .map((pod) => ({ pod, seen: observePod(pod) }))
    .filter(({ seen }) => seen.costPerHour > 0)
    .map(({ pod, seen }) => ({
      podId: pod.id,
      name: pod.name,
      gpu: seen.gpuName ?? null,
      costPerHour: seen.costPerHour,
      uptimeSeconds: seen.uptimeSeconds,
    }));
}

const MOST_BAR = 40;

/** A table; on a terminal with a bar for each row, of which the part that is not booked is hatched. */
export function chart(rows: Row[], by: Grouping, screen: Screen | undefined): string {
  const most = Math.max(...rows.map(({ usd }) => usd), 0);
  const width = Math.min(MOST_BAR, Math.max(10, (screen?.columns ?? 80) - 60));
  const bar = ({ bookedUsd, unbookedUsd }: Row) => {
    const cells = (usd: number) => (most > 0 ? Math.round((usd / most) * width) : 0);
    return '█'.repeat(cells(bookedUsd)) + '░'.repeat(cells(bookedUsd + unbookedUsd) - cells(bookedUsd));
  };
  const head = [by.toUpperCase(), 'COST', 'NOT BOOKED', ...(screen ? [''] : [])];
  const cells = rows.map((row) => [
    [row.key, row.name && (row.key === null ? row.name : `(${row.name})`)].filter(Boolean).join(' '),
    `$${row.usd.toFixed(2)}`,
    row.unbookedUsd >= 0.005 ? `$${row.unbookedUsd.toFixed(2)}` : '–',
    ...(screen ? [bar(row)] : []),
  ]);
  return table(head, cells, screen, ['', 'NOT BOOKED']);
}

/** Rows as a table for spreadsheets, of these columns. */
export async function csvOf<R extends object>(rows: R[], columns: string[]): Promise<string> {
  const { stringify } = await import('csv-stringify/sync');
  // A pod's name is somebody's text, and a spreadsheet would take “=…” for a formula.
  return stringify(rows, { header: true, columns, escape_formulas: true }).trimEnd();
}
