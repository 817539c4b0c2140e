import { aligned, type BucketSize, bucketsOf, lastBuckets, type Span } from '../../billing/buckets.ts';
import type { Amounts } from '../../billing/meter.ts';
import { type Answer, Problem } from '../answer.ts';
import type { ApiRequest } from '../request.ts';

interface BillingQuery {
  startTime?: string;
  endTime?: string;
  bucketSize?: BucketSize;
  lastN?: number;
}

const USUAL_MS = 30 * 86_400_000;

/** One record for each pod and bucket in which it cost something. Not paged. */
export function listPodBilling({ world, query }: ApiRequest): Answer {
  const { podId, ...asked } = query as BillingQuery & { podId?: string };
  const { size, window } = windowOf(asked);
  const { meter, scenario } = world;
  const records = bucketsOf(window, size).flatMap((bucket) =>
    chosen(meter.pods(bucket, scenario), podId).map(([id, amounts]) => ({
      ...range(bucket),
      podId: id,
      ...podAmounts(amounts),
    })),
  );
  const totals = podAmounts(
    sum(records.map(({ gpuAmount, diskAmount }) => ({ gpu: gpuAmount, disk: diskAmount }))),
  );
  const uniquePodCount = new Set(records.map((record) => record.podId)).size;
  return answer(records, window, size, { podId: podId ?? null }, { uniquePodCount, totals });
}

export function listNetworkVolumeBilling({ world, query }: ApiRequest): Answer {
  const { networkVolumeId, ...asked } = query as BillingQuery & { networkVolumeId?: string };
  const { size, window } = windowOf(asked);
  const { meter, scenario } = world;
  const isFast = (id: string) =>
    scenario.networkVolumes.find((volume) => volume.id === id)?.type === 'HIGH_PERFORMANCE';
  const records = bucketsOf(window, size).flatMap((bucket) =>
    chosen(meter.volumes(bucket, scenario), networkVolumeId).map(([id, { disk }]) => ({
      ...range(bucket),
      networkVolumeId: id,
      ...volumeAmounts(isFast(id) ? 0 : disk, isFast(id) ? disk : 0),
    })),
  );
  const totals = records.reduce(
    (total, { standardAmount, highPerformanceAmount }) =>
      volumeAmounts(
        total.standardAmount + standardAmount,
        total.highPerformanceAmount + highPerformanceAmount,
      ),
    volumeAmounts(0, 0),
  );
  const uniqueNetworkVolumeCount = new Set(records.map((record) => record.networkVolumeId)).size;
  const filter = { networkVolumeId: networkVolumeId ?? null };
  return answer(records, window, size, filter, { uniqueNetworkVolumeCount, totals });
}

/** @throws Problem 400 for a window that cannot be */
function windowOf({ startTime, endTime, bucketSize = 'day', lastN }: BillingQuery): {
  size: BucketSize;
  window: Span;
} {
  const now = Date.now();
  if (lastN !== undefined) {
    if (startTime !== undefined || endTime !== undefined) {
      throw new Problem(400, 'lastN and startTime/endTime are mutually exclusive');
    }
    return { size: bucketSize, window: lastBuckets(lastN, bucketSize, now) };
  }
  const from = startTime === undefined ? now - USUAL_MS : Date.parse(startTime);
  const to = endTime === undefined ? now : Date.parse(endTime);
  if (from >= to) throw new Problem(400, 'startTime must be before endTime');
  return { size: bucketSize, window: aligned({ from, to }, bucketSize) };
}

function answer(
  records: object[],
  window: Span,
  bucketSize: BucketSize,
  filter: Record<string, string | null>,
  counted: Record<string, unknown>,
): Answer {
  const query = { ...range(window), bucketSize, ...filter };
  return { status: 200, body: { records, metadata: { query, recordCount: records.length, ...counted } } };
}

function chosen(amounts: Map<string, Amounts>, only: string | undefined): [string, Amounts][] {
  return [...amounts].filter(([id]) => only === undefined || id === only);
}

function range({ from, to }: Span): { startTime: string; endTime: string } {
  return { startTime: new Date(from).toISOString(), endTime: new Date(to).toISOString() };
}

function sum(amounts: Amounts[]): Amounts {
  return amounts.reduce((total, { gpu, disk }) => ({ gpu: total.gpu + gpu, disk: total.disk + disk }), {
    gpu: 0,
    disk: 0,
  });
}

function podAmounts({ gpu, disk }: Amounts) {
  return { totalAmount: gpu + disk, gpuAmount: gpu, cpuAmount: 0, diskAmount: disk };
}

function volumeAmounts(standardAmount: number, highPerformanceAmount: number) {
  return {
    totalAmount: standardAmount + highPerformanceAmount,
    standardAmount,
    highPerformanceAmount,
  };
}
