import * as z from 'zod';

// RunPod's buckets begin and end in UTC. An amount that cannot be read is no 0: a sum is whole or is not told.
const range = { startTime: z.string(), endTime: z.string() };

export const podBillShape = z.looseObject({
  records: z.array(
    z.looseObject({
      ...range,
      podId: z.string(),
      totalAmount: z.number(),
      gpuAmount: z.number(),
      cpuAmount: z.number(),
      diskAmount: z.number(),
    }),
  ),
});

export const volumeBillShape = z.looseObject({
  records: z.array(z.looseObject({ ...range, networkVolumeId: z.string(), totalAmount: z.number() })),
});

/** What RunPod has booked of one pod or one network volume in one bucket of time. USD. */
export interface Bill {
  id: string;
  /** Epoch milliseconds; the bucket is half-open. */
  from: number;
  to: number;
  total: number;
  /** Running time without disks; 0 for a volume. */
  compute: number;
}

export interface BillingWindow {
  /** Epoch milliseconds; RunPod widens the window to whole buckets. */
  since: number;
  until: number;
  bucketSize: 'hour' | 'day';
}

export function billingQuery({ since, until, bucketSize }: BillingWindow): string {
  const time = (ms: number) => new Date(ms).toISOString();
  return String(new URLSearchParams({ startTime: time(since), endTime: time(until), bucketSize }));
}

export function podBills({ records }: z.infer<typeof podBillShape>): Bill[] {
  return records.map((record) => ({
    ...spanOf(record),
    id: record.podId,
    total: record.totalAmount,
    compute: record.gpuAmount + record.cpuAmount,
  }));
}

export function volumeBills({ records }: z.infer<typeof volumeBillShape>): Bill[] {
  return records.map((record) => ({
    ...spanOf(record),
    id: record.networkVolumeId,
    total: record.totalAmount,
    compute: 0,
  }));
}

function spanOf({ startTime, endTime }: { startTime: string; endTime: string }) {
  return { from: Date.parse(startTime), to: Date.parse(endTime) };
}
