import { describe, expect, it } from 'vitest';
import type { GpuType } from '../../../src/services/runpod/client.ts';
import { belowFloor, planPlacement } from '../../../src/services/runpod/placement.ts';

const gpu = (name: string, stock: Record<string, string>, price = 0.5): GpuType => ({
  id: `NVIDIA ${name}`,
  name,
  price: { secure: price, community: price / 2 },
  maxCount: { secure: 4, community: 2 },
  dataCenters: Object.entries(stock).map(([id, availability]) => ({ id, name: id, availability })),
});
const a40 = gpu('A40', { 'US-GA-1': 'LOW', 'CA-MTL-1': 'HIGH' });
const a6000 = gpu('RTX A6000', { 'US-GA-1': 'HIGH' }, 0.8);
const l40 = gpu('L40', { 'US-GA-1': 'NONE' });
const catalog = [a40, a6000, l40];
const plan = (gpus: GpuType[], dataCenterId?: string, gpuCount = 1) =>
  planPlacement({
    gpus,
    catalog,
    gpuCount,
    cloud: 'SECURE',
    ...(dataCenterId !== undefined && { dataCenterId }),
  });

it('preference goes before stock, with the price of all GPUs', () => {
  expect(plan([a40, a6000], 'US-GA-1', 2)).toMatchObject([
    { gpuName: 'A40', dataCenterId: 'US-GA-1', stock: 'LOW', pricePerHour: 1 },
    { gpuName: 'RTX A6000', stock: 'HIGH', pricePerHour: 1.6 },
  ]);
});

it('what the catalogue says is out of stock is tried last, for the catalogue is a hint', () => {
  expect(plan([l40, a40], 'US-GA-1').map(({ gpuName }) => gpuName)).toEqual(['A40', 'L40']);
});

it('a GPU the data center does not offer is not tried there', () => {
  expect(plan([a6000, a40], 'CA-MTL-1').map(({ gpuName }) => gpuName)).toEqual(['A40']);
});

it('without a data center none is pinned', () => {
  expect(plan([a40])[0]).not.toHaveProperty('dataCenterId');
});

it('with nothing in stock it names what was asked and what there is instead', () => {
  expect(() => plan([l40], 'US-GA-1')).toThrow(
    expect.objectContaining({
      code: 'gpuOutOfStock',
      detail: { asked: ['L40 in US-GA-1'], inStock: ['RTX A6000 (high)', 'A40 (low)'] },
    }),
  );
});

it('more GPUs than any machine has is a usage error that says how many it has', () => {
  expect(() => plan([a40], undefined, 5)).toThrow(
    expect.objectContaining({
      code: 'usage',
      detail: expect.objectContaining({ message: expect.stringContaining('A40: 4') }),
    }),
  );
});

describe('with a floor for the CUDA version of hosts', () => {
  const nowhere = gpu('L4', {});
  const onAny = [gpu('A40', { 'US-GA-1': 'HIGH', 'CA-MTL-1': 'LOW' }), gpu('L4', { 'US-GA-1': 'HIGH' }), l40];
  const onModern = [gpu('A40', { 'CA-MTL-1': 'LOW' }), nowhere, l40];
  const query = (dataCenterId?: string) => ({
    gpus: onModern,
    catalog: onModern,
    gpuCount: 1,
    cloud: 'SECURE' as const,
    floor: { minCudaVersion: '12.8', catalog: onAny },
    ...(dataCenterId !== undefined && { dataCenterId }),
  });

  it('a GPU that is in stock on older hosts alone is no candidate, and is named', () => {
    expect(planPlacement(query()).map(({ gpuName }) => gpuName)).toEqual(['A40', 'L40']);
    expect(belowFloor(query())).toEqual([{ gpuName: 'L4', cloud: 'SECURE', minCudaVersion: '12.8' }]);
  });

  it('with every GPU excluded in its place, the refusal says so', () => {
    expect(() => planPlacement(query('US-GA-1'))).toThrow(
      expect.objectContaining({
        code: 'gpuOutOfStock',
        detail: expect.objectContaining({
          tooOld: ['A40 in US-GA-1', 'L4 in US-GA-1'],
          minCudaVersion: '12.8',
        }),
      }),
    );
  });

  it('what is sold out on hosts of every age is not said to be excluded', () => {
    expect(belowFloor(query()).map(({ gpuName }) => gpuName)).not.toContain('L40');
  });
});
