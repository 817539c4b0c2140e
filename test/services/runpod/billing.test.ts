import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startSimulator } from '../../../sim/simulator.ts';
import { createRunPod } from '../../../src/services/runpod/client.ts';
import { stoppedDiskPerMonth, volumePerMonth } from '../../../src/services/runpod/storage-prices.ts';
import { unbooked } from '../../../src/services/runpod/unbooked.ts';

const HOUR = 3_600_000;
const T0 = Date.parse('2026-03-01T00:00:00Z');
const { signal } = new AbortController();
const bill = (hour: number, compute: number, id = 'one') => ({
  id,
  from: T0 + hour * HOUR,
  to: T0 + (hour + 1) * HOUR,
  total: compute,
  compute,
});
const run = (from: number, to: number, costPerHour = 2) => ({
  podId: 'one',
  from: T0 + from * HOUR,
  to: T0 + to * HOUR,
  costPerHour,
});
const told = (...args: Parameters<typeof unbooked>) =>
  unbooked(...args).map(({ from, usd }) => [(from - T0) / HOUR, Math.round(usd * 1e6) / 1e6]);

describe('what RunPod has not booked', () => {
  it('is all of a run without a record, by the hour', () => {
    expect(told([], [run(0.5, 2.25)], T0)).toEqual([
      [0, 1],
      [1, 2],
      [2, 0.5],
    ]);
  });

  it('is nothing before the last record, and what is missing in its hour', () => {
    expect(told([bill(0, 1.9), bill(1, 0.5)], [run(0, 3)], T0)).toEqual([
      [1, 1.5],
      [2, 2],
    ]);
  });

  it('is nothing where RunPod has booked as much, or more', () => {
    expect(told([bill(0, 2), bill(1, 2.1)], [run(0, 2)], T0)).toEqual([]);
  });

  it('counts several runs of one pod in one hour together, and no other pod', () => {
    expect(told([bill(0, 1), bill(0, 9, 'two')], [run(0, 0.25), run(0.5, 1)], T0)).toEqual([[0, 0.5]]);
  });

  it('takes a record of a disk alone for no record of a run', () => {
    expect(told([{ ...bill(1, 0), total: 3 }], [run(0, 1)], T0)).toEqual([[0, 2]]);
  });

  it('begins where it is asked to', () => {
    expect(told([], [run(0, 2)], T0 + 1.5 * HOUR)).toEqual([[1, 1]]);
  });
});

describe('the billing endpoints', () => {
  it('are read whole: pods that are gone, disks, and volumes', async () => {
    const from = '2026-03-01T00:00:00Z';
    const to = '2026-03-01T02:00:00Z';
    const past = [
      { podId: 'gone', from, to, gpuPerHour: 1, diskPerHour: 0.5 },
      { networkVolumeId: 'abc123xyz', from, to, diskPerHour: 0.25 },
    ];
    const simulator = await startSimulator({ scenario: { billing: { past } } });
    onTestFinished(() => simulator.close());
    const runpod = createRunPod({ apiUrl: simulator.url, apiKey: 'sim-key' });
    const window = { since: T0, until: T0 + 24 * HOUR, bucketSize: 'day' as const };
    const span = { from: T0, to: T0 + 24 * HOUR };
    expect(await runpod.podBilling(window, signal)).toEqual([{ id: 'gone', ...span, total: 3, compute: 2 }]);
    expect(await runpod.volumeBilling(window, signal)).toEqual([
      { id: 'abc123xyz', ...span, total: 0.5, compute: 0 },
    ]);
  });

  it('an amount that cannot be read is no 0: it is told', async () => {
    const records = [{ startTime: '2026-03-01T00:00:00Z', endTime: '2026-03-02T00:00:00Z', podId: 'one' }];
    const server = createServer((_request, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ records, metadata: {} }));
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    const apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const runpod = createRunPod({ apiUrl, apiKey: 'key' });
    const reading = runpod.podBilling({ since: T0, until: T0 + HOUR, bucketSize: 'hour' }, signal);
    await expect(reading).rejects.toMatchObject({ code: 'apiAnswerUnexpected' });
  });
});

describe('what costs in silence, by the price list', () => {
  const volume = (size: number | null, type: string | null = null) => ({
    id: 'v',
    name: 'v',
    size,
    dataCenter: 'US-GA-1',
    type,
  });

  it.each([
    [volume(200), 14],
    [volume(2000), 120],
    [volume(100, 'HIGH_PERFORMANCE'), 14],
    [volume(null), undefined],
  ])('a volume: %o', (one, usd) => {
    const perMonth = volumePerMonth(one);
    expect(perMonth === undefined ? undefined : Math.round(perMonth * 100) / 100).toBe(usd);
  });

  it('a stopped pod keeps its persistent disk, and no other', () => {
    expect(stoppedDiskPerMonth({ mounts: { persistent: { size: 50 } } })).toBe(10);
    expect(stoppedDiskPerMonth({ mounts: { network: [{ volumeId: 'v', path: '/w' }] } })).toBe(0);
    expect(stoppedDiskPerMonth({ mounts: null })).toBe(0);
  });
});
