import { statusAt } from '../test/support/status-at.ts';

const BYTES = 300_000_000;
const REQUESTS = 200;

/** MB/s of one download through a local port. */
export async function throughput(port: number): Promise<number> {
  const begun = performance.now();
  await statusAt(port, `/bytes?n=${BYTES}`, 60_000);
  return BYTES / 1e6 / ((performance.now() - begun) / 1000);
}

/** Milliseconds of a small request on a connection of its own, the median of many. */
export async function latency(port: number): Promise<number> {
  const times: number[] = [];
  for (let number = 0; number < REQUESTS; number++) {
    const begun = performance.now();
    await statusAt(port);
    times.push(performance.now() - begun);
  }
  return times.toSorted((a, b) => a - b)[REQUESTS / 2] ?? Number.NaN;
}

export async function answers(port: number): Promise<boolean> {
  return (await statusAt(port, '/system_stats', 5_000).catch(() => 0)) === 200;
}
