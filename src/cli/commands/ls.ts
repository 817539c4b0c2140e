import { AutopodError } from '../../errors.ts';
import type { TunnelView } from '../../keeper/client.ts';
import { type ChooseContext, hasBegun, readableRecords } from '../../lifecycle/choose.ts';
import { dropGone, mayBeLate } from '../../lifecycle/gone.ts';
import { type PodRecord, savedState } from '../../lifecycle/pod-records.ts';
import type { Pod } from '../../services/runpod/client.ts';
import { costSighting, observePod } from '../../services/runpod/pod-state.ts';
import { bookRun, roundedUsd, spentUntil } from '../../store/ledger.ts';
import { toldPlan } from '../../store/plans.ts';
import { laterPods, laterPodWords } from '../choosing/later-pod.ts';
import type { Context } from '../context.ts';
import { diskPerMonth, volumesBesides, volumesPerMonth } from '../money/silent.ts';
import type { Output } from '../output/output.ts';
import { toldState } from '../state/told-state.ts';
import { costsText } from '../text/costs.ts';
import { uptimeWords } from '../text/uptime.ts';
import { spentCell, text, usd } from '../text.ts';
import type { Verb } from '../verb.ts';
import { table } from '../views/table.ts';

interface Row {
  podId: string | null;
  name: string;
  /** RunPod's word for the pod, or why there is none. */
  status: string;
  /** autopod's own, as last saved; null for a pod made elsewhere. */
  state: string | null;
  /** Whether ssh can get there, and so a tunnel. */
  hasSshPort: boolean;
  gpu: string;
  dataCenterId: string | null;
  uptimeSeconds: number;
  costPerHour: number;
  /** USD for the disk it keeps while it is stopped. */
  diskPerMonth: number;
  /** USD of all its runs that autopod knows of; of this one alone where it has no record. */
  spent: number;
  spentThisRun: number;
  /** It was more than that: some run went on unseen. */
  isSpentAtLeast: boolean;
}

const UNUSED_AFTER_SECONDS = 30 * 60;

/** Every pod of the account, and launches that may have one. */
export const ls: Verb<{ all?: boolean }> = async (context, _podId, { all }) => {
  const records = await readableRecords(await context.pods());
  const pods = await (await context.runpod()).listPods(context.signal);
  const living = pods.filter((pod) => observePod(pod).condition !== 'gone');
  const known = new Set(living.map((pod) => pod.id));
  const unlisted = records.filter(
    ([, record]) => !known.has(record.facts.podId ?? '') && (all || hasBegun(record)),
  );
  const choosing = await context.choosing();
  const missing = await dropGone(choosing, unlisted, context.signal);
  const late = await Promise.all(missing.map((one) => lateRow(choosing, one, context.signal)));
  const rows = [
    ...living.map((pod) => podRow(pod, records.find(([, { facts }]) => facts.podId === pod.id)?.[1])),
    ...late,
  ];
  const tunnels = await (await context.keeper()).tunnels(context.signal);
  for (const pod of living) await bookRun(await context.pods(), costSighting(observePod(pod)), false);
  const perMonth = volumesPerMonth(await volumesBesides(context));
  show(context, rows, perMonth);
  for (const later of laterPods(living)) context.out.say(laterPodWords(later));
  for (const [, { facts }] of records) {
    const { podId } = facts;
    const pod = living.find(({ id }) => id === podId);
    const plan = toldPlan(facts, pod && observePod(pod));
    if (plan && podId !== null && rows.some((row) => row.podId === podId)) {
      context.out.say(text.plannedStop(podId, plan), plan.overdue ? 'bad' : undefined);
    }
  }
  for (const row of rows) {
    const why = unusedBecause(row, tunnels);
    if (row.podId && why) context.out.say(text.unused(row.podId, usd(row.costPerHour), why));
  }
  return 0;
};

/** Why a pod that costs seems to be of no use to anybody. */
function unusedBecause(row: Row, tunnels: TunnelView[]): string | undefined {
  if (row.costPerHour === 0 || row.uptimeSeconds < UNUSED_AFTER_SECONDS) return undefined;
  const tunnel = tunnels.find(({ podId }) => podId === row.podId);
  if (!tunnel) return `has run for ${uptimeWords(row.uptimeSeconds)} without a tunnel from here`;
  const quietSeconds = (Date.now() - Date.parse(tunnel.lastActivityAt ?? tunnel.startedAt)) / 1000;
  return quietSeconds < UNUSED_AFTER_SECONDS
    ? undefined
    : `nothing was asked of it for ${uptimeWords(quietSeconds)}`;
}

function show({ out }: Context, rows: Row[], volumes: number): void {
  const disks = roundedUsd(rows.reduce((sum, row) => sum + row.diskPerMonth, 0));
  const totalPerHour = roundedUsd(rows.reduce((sum, row) => sum + row.costPerHour, 0));
  if (out.isJson) out.json({ pods: rows, totalPerHour, totalPerMonth: { disks, volumes } });
  else if (rows.length === 0) out.say(text.nothingListed());
  else printTable(out, rows, totalPerHour);
  const silent = costsText.silent(disks, volumes);
  if (silent && !out.isJson) out.say(silent);
}

function printTable(out: Output, rows: Row[], totalPerHour: number): void {
  const head = ['POD', 'NAME', 'STATUS', 'GPU', 'WHERE', 'RUNNING', 'SPENT', 'RATE'];
  const cells = rows.map((row) => [
    row.podId ?? '–',
    row.name,
    statusCell(row),
    row.gpu,
    row.dataCenterId ?? '–',
    row.uptimeSeconds > 0 ? uptimeWords(row.uptimeSeconds) : '–',
    spentCell(row.spent, row.isSpentAtLeast),
    row.diskPerMonth > 0 ? costsText.perMonth(row.diskPerMonth) : usd(row.costPerHour),
  ]);
  // A launch without a pod has nothing but its name.
  const spare = rows.every(({ podId }) => podId) ? ['WHERE', 'NAME'] : ['WHERE'];
  out.line(table(head, cells, out.screen, spare));
  out.line(text.total(rows.length, usd(totalPerHour)));
}

function statusCell({ status, state, hasSshPort }: Row): string {
  if (!hasSshPort) return `${status} (${text.noSshPort()})`;
  return state && state !== 'ready' ? `${status} (${state})` : status;
}

function podRow(pod: Pod, record: PodRecord | undefined): Row {
  const seen = observePod(pod);
  const spent = spentUntil(record?.facts.ledger, costSighting(seen));
  return {
    podId: pod.id,
    name: pod.name,
    status: pod.status,
    state: toldState(record, seen),
    hasSshPort: seen.hasSshPort,
    gpu: seen.gpuName ? `${seen.gpuCount}x ${seen.gpuName.replace(/^NVIDIA (GeForce )?/, '')}` : 'none',
    dataCenterId: seen.dataCenterId ?? null,
    uptimeSeconds: seen.uptimeSeconds,
    costPerHour: seen.costPerHour,
    diskPerMonth: diskPerMonth(pod),
    spent: spent.total,
    spentThisRun: spent.run,
    isSpentAtLeast: spent.isAtLeast,
  };
}

/** RunPod's list may lag, so a pod that it lacks is asked for by its id. */
async function lateRow(
  choosing: ChooseContext,
  [, record]: [string, PodRecord],
  signal: AbortSignal,
): Promise<Row> {
  const { podId } = record.facts;
  if (podId === null) return unseenRow(record, text.launchWithoutPod());
  try {
    const pod = await choosing.runpod.getPod(podId, signal);
    if (observePod(pod).condition !== 'gone') return podRow(pod, record);
  } catch (error) {
    if (!(error instanceof AutopodError)) throw error;
    if (error.code !== 'podNotFound') return unseenRow(record, 'RunPod does not say');
  }
  return unseenRow(record, mayBeLate(choosing, record) ? 'not listed yet' : 'unknown to RunPod');
}

function unseenRow(record: PodRecord, status: string): Row {
  const { wish, podId, ledger } = record.facts;
  const spent = spentUntil(ledger, { podId: podId ?? '', bootId: '', isRunning: false, spent: 0 });
  return {
    podId,
    name: wish.name,
    status,
    state: savedState(record),
    hasSshPort: true,
    gpu: '–',
    dataCenterId: wish.dataCenterId ?? null,
    uptimeSeconds: 0,
    costPerHour: 0,
    diskPerMonth: 0,
    spent: spent.total,
    spentThisRun: 0,
    isSpentAtLeast: spent.isAtLeast,
  };
}
