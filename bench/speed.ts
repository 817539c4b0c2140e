import { request } from 'node:http';

const BYTES = 300_000_000;
const REQUESTS = 200;

/** MB/s of one download through a local port. */
export async function throughput(port: number): Promise<number> {
  const begun = performance.now();
  await get(port, `/bytes?n=${BYTES}`);
  return BYTES / 1e6 / ((performance.now() - begun) / 1000);
}

/** Milliseconds of a small request on a connection of its own, the median of many. */
export async function latency(port: number): Promise<number> {
  const times: number[] = [];
  for (let number = 0; number < REQUESTS; number++) {
    const begun = performance.now();
    await get(port, '/system_stats');
    times.push(performance.now() - begun);
  }
  return times.toSorted((a, b) => a - b)[REQUESTS / 2] ?? Number.NaN;
}

export function answers(port: number): Promise<boolean> {
  return get(port, '/system_stats').catch(() => false);
}

function get(port: number, path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, agent: false, timeout: 5_000 }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode === 200));
      response.once('error', reject);
    });
    asked.once('timeout', () => asked.destroy(new Error('no answer')));
    asked.once('error', reject);
    asked.end();
  });
}
