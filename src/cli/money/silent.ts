import { AutopodError } from '../../errors.ts';
import { readableRecords } from '../../lifecycle/choose.ts';
import type { Bill, NetworkVolume, Pod } from '../../services/runpod/client.ts';
import { observePod } from '../../services/runpod/pod-state.ts';
import { stoppedDiskPerMonth, volumePerMonth } from '../../services/runpod/storage-prices.ts';
import { roundedUsd } from '../../store/ledger.ts';
import { endedRuns } from '../../store/runs.ts';
import type { Context } from '../context.ts';

// What costs although nothing runs, by RunPod's price list.

/** USD a month for the disk a stopped pod keeps; 0 for one that runs, whose disk is of its bill. */
export function diskPerMonth(pod: Pod): number {
  return observePod(pod).condition === 'stopped' ? roundedUsd(stoppedDiskPerMonth(pod)) : 0;
}

/** USD a month for all volumes whose size is known. */
export function volumesPerMonth(volumes: NetworkVolume[]): number {
  return roundedUsd(volumes.reduce((sum, volume) => sum + (volumePerMonth(volume) ?? 0), 0));
}

/** The account's volumes; none where RunPod does not tell, for they are told besides something else. */
export async function volumesBesides(context: Context): Promise<NetworkVolume[]> {
  return (await context.runpod()).listNetworkVolumes(context.signal).catch(besides);
}

const LOOKED_BACK_MS = 30 * 86_400_000;

/**
 * When each volume was last attached to a pod that ran, ISO 8601: as the journal and autopod's own runs tell, and for
 * pods that are there still what RunPod has booked in 30 days. Null where nothing tells.
 */
export async function lastUses(
  context: Context,
  volumes: NetworkVolume[],
  pods: Pod[],
): Promise<Map<string, string | null>> {
  const now = Date.now();
  const window = { since: now - LOOKED_BACK_MS, until: now, bucketSize: 'day' as const };
  const bills: Bill[] = await (await context.runpod()).podBilling(window, context.signal).catch(besides);
  const records = await readableRecords(await context.pods());
  const journal = await (await context.journal()).read();
  const runs = await endedRuns(context.home());
  const isRunning = (pod: Pod) => observePod(pod).condition === 'running';
  const usesOf = (volumeId: string): number[] => {
    const attached = pods.filter((pod) => observePod(pod).volume?.volumeId === volumeId);
    const ids = new Set(attached.map(({ id }) => id));
    const launches = new Set(
      records.flatMap(([id, { facts }]) =>
        facts.wish.volumeId === volumeId || ids.has(facts.podId ?? '') ? [id] : [],
      ),
    );
    return [
      ...(attached.some(isRunning) ? [now] : []),
      ...runs.flatMap((run) => (run.volumeId === volumeId ? [run.to] : [])),
      ...journal.flatMap(({ id, at, to }) => (launches.has(id) && RAN.includes(to) ? [Date.parse(at)] : [])),
      ...bills.flatMap(({ id, to, compute }) => (ids.has(id) && compute > 0 ? [Math.min(to, now)] : [])),
    ];
  };
  return new Map(
    volumes.map(({ id }) => {
      const last = Math.max(...usesOf(id));
      return [id, Number.isFinite(last) ? new Date(last).toISOString() : null];
    }),
  );
}

/** States a pod is brought to only while it runs. */
const RAN: readonly string[] = ['startingComfyUI', 'ready', 'stopping'];

function besides(error: unknown): [] {
  if (error instanceof AutopodError) return [];
  throw error;
}
