import { expect, it } from 'vitest';
import { call, control, createPod, simulate } from './support/simulator.ts';

const used = (podId: string, from: string, to: string, gpuPerHour = 1) => ({ podId, from, to, gpuPerHour });

it('a record is made for each pod and bucket in which it cost something, in UTC', async () => {
  const past = [
    used('one', '2026-03-01T22:30:00Z', '2026-03-02T01:00:00Z'),
    used('two', '2026-03-02T00:00:00Z', '2026-03-02T00:30:00Z', 4),
  ];
  const simulator = await simulate({ billing: { past } });
  const window = 'startTime=2026-03-01T05:00:00Z&endTime=2026-03-02T05:00:00Z';
  const { body } = await call(simulator, 'GET', `/billing/pods?${window}`);
  expect(body.records).toEqual([
    expect.objectContaining({ podId: 'one', startTime: '2026-03-01T00:00:00.000Z', gpuAmount: 1.5 }),
    expect.objectContaining({ podId: 'one', startTime: '2026-03-02T00:00:00.000Z', gpuAmount: 1 }),
    expect.objectContaining({ podId: 'two', endTime: '2026-03-03T00:00:00.000Z', totalAmount: 2 }),
  ]);
  expect(body.metadata).toMatchObject({
    recordCount: 3,
    uniquePodCount: 2,
    totals: { totalAmount: 4.5 },
    query: { startTime: '2026-03-01T00:00:00.000Z', endTime: '2026-03-03T00:00:00.000Z', podId: null },
  });
  const hours = await call(simulator, 'GET', `/billing/pods?${window}&bucketSize=hour&podId=one`);
  expect(hours.body.records.map((record: { gpuAmount: number }) => record.gpuAmount)).toEqual([0.5, 1, 1]);
});

it.each([
  ['week', '2026-03-02T00:00:00.000Z'],
  ['month', '2026-03-01T00:00:00.000Z'],
  ['year', '2026-01-01T00:00:00.000Z'],
])('a bucket of a %s begins where the calendar has it begin', async (size, start) => {
  const simulator = await simulate({
    billing: { past: [used('one', '2026-03-05T00:00:00Z', '2026-03-05T01:00:00Z')] },
  });
  const query = `bucketSize=${size}&startTime=2026-03-05T00:00:00Z&endTime=2026-03-06T00:00:00Z`;
  const { body } = await call(simulator, 'GET', `/billing/pods?${query}`);
  expect(body.records).toMatchObject([{ startTime: start, gpuAmount: 1 }]);
});

it('a pod costs from its start until its stop, and is billed when it is gone', async () => {
  const simulator = await simulate();
  const pod = await createPod(simulator);
  await simulator.world.until(() => pod.status === 'RUNNING' && Date.now() > pod.createdAt.getTime());
  await call(simulator, 'DELETE', `/pods/${pod.id}`);
  const { body } = await call(simulator, 'GET', '/billing/pods?lastN=1&bucketSize=year');
  expect(body.records).toMatchObject([{ podId: pod.id }]);
  const again = await call(simulator, 'GET', '/billing/pods?lastN=1&bucketSize=year');
  expect(again.body.metadata.totals.totalAmount).toBe(body.metadata.totals.totalAmount);
});

it('what was used lately is not booked where there is a lag', async () => {
  const now = Date.now();
  const from = new Date(now - 3_600_000).toISOString();
  const past = [used('one', from, new Date(now).toISOString())];
  const simulator = await simulate({ billing: { past } });
  const query = '/billing/pods?lastN=2&bucketSize=year';
  expect((await call(simulator, 'GET', query)).body.metadata.totals.totalAmount).toBeCloseTo(1);
  await control(simulator, 'PATCH', '/scenario', { billing: { lagMs: 7_200_000 } });
  expect((await call(simulator, 'GET', query)).body.records).toEqual([]);
});

it('network volumes cost what their size and kind do, each in its own column', async () => {
  const volume = (id: string, type: 'STANDARD' | 'HIGH_PERFORMANCE') => ({
    id,
    name: id,
    size: 100,
    dataCenter: 'US-GA-1',
    type,
  });
  const from = '2026-03-01T00:00:00Z';
  const to = '2026-03-01T10:00:00Z';
  const simulator = await simulate({
    networkVolumes: [volume('slow', 'STANDARD'), volume('fast', 'HIGH_PERFORMANCE')],
    billing: {
      past: [
        { networkVolumeId: 'slow', from, to, diskPerHour: 0.01 },
        { networkVolumeId: 'fast', from, to, diskPerHour: 0.02 },
      ],
    },
  });
  const { body } = await call(
    simulator,
    'GET',
    `/billing/network-volumes?startTime=${from}&endTime=2026-03-02T00:00:00Z`,
  );
  expect(body.records).toMatchObject([
    { networkVolumeId: 'slow', standardAmount: 0.1, highPerformanceAmount: 0 },
    { networkVolumeId: 'fast', standardAmount: 0, highPerformanceAmount: 0.2 },
  ]);
  expect(body.metadata.uniqueNetworkVolumeCount).toBe(2);
});

it.each([
  ['lastN=2&startTime=2026-03-01T00:00:00Z', 400],
  ['startTime=2026-03-02T00:00:00Z&endTime=2026-03-01T00:00:00Z', 400],
  ['lastN=0', 422],
  ['bucketSize=minute', 422],
  ['startTime=yesterday', 422],
])('a window that cannot be is refused: %s', async (query, status) => {
  const simulator = await simulate();
  expect((await call(simulator, 'GET', `/billing/pods?${query}`)).status).toBe(status);
});
