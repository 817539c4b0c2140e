import { describe, expect, it } from 'vitest';
import { A40, call, podRequest, simulate } from './support/simulator.ts';

const stock = { [A40]: { 'US-GA-1': 'HIGH', 'CA-MTL-1': 'LOW' } } as const;
const hostCudaVersions = { [A40]: { 'US-GA-1': ['12.2', '12.4'], 'CA-MTL-1': ['12.8', '12.11'] } };
const scenario = { stock, hostCudaVersions };

describe('a pod', () => {
  it.each([
    ['goes to the oldest host there is when nothing is asked', {}, 'US-GA-1', '12.2'],
    [
      'goes past the place with most stock to a host that is new enough',
      { minCudaVersion: '12.8' },
      'CA-MTL-1',
      '12.8',
    ],
    [
      'has its floor compared as numbers: 12.11 is above 12.9',
      { minCudaVersion: '12.9' },
      'CA-MTL-1',
      '12.11',
    ],
    ['goes where exactly this version is', { allowedCudaVersions: ['12.4'] }, 'US-GA-1', '12.4'],
    [
      'may name a floor beside an empty list',
      { allowedCudaVersions: [], minCudaVersion: '12.3' },
      'US-GA-1',
      '12.4',
    ],
  ])('%s', async (_, cuda, dataCenterId, cudaVersion) => {
    const { status, body } = await create(cuda);
    expect([status, body.dataCenterId, body.cudaVersion]).toEqual([201, dataCenterId, cudaVersion]);
  });

  it.each([
    ['a floor above every host', { minCudaVersion: '12.12' }],
    ['a floor above the hosts of its place', { minCudaVersion: '12.8' }, ['US-GA-1']],
    ['a version nobody reports', { allowedCudaVersions: ['12.9'] }],
    ['more memory than comes with a GPU', { minRamPerGpu: 51 }],
    ['more processors than come with a GPU', { minVcpuCountPerGpu: 10 }],
  ])('with %s is refused for want of capacity', async (_, cuda, dataCenterIds?: string[]) => {
    const { status, body } = await create(cuda, dataCenterIds && { dataCenterIds });
    expect([status, body.detail]).toEqual([400, expect.stringContaining('no longer any instances')]);
  });

  it.each(['13', '12.x', ''])('with the floor “%s” is a 422', async (minCudaVersion) => {
    expect((await create({ minCudaVersion })).status).toBe(422);
  });
});

describe('the catalogue', () => {
  it.each([
    ['nothing', '', ['US-GA-1', 'CA-MTL-1'], ['12.2', '12.4', '12.8', '12.11']],
    ['a floor', '&minCudaVersion=12.8', ['CA-MTL-1'], ['12.8', '12.11']],
    ['a bare major', '&minCudaVersion=12', ['US-GA-1', 'CA-MTL-1'], ['12.2', '12.4', '12.8', '12.11']],
    ['exact versions', '&cudaVersions=12.4,12.11', ['US-GA-1', 'CA-MTL-1'], ['12.4', '12.11']],
  ])('asked for %s lists the places whose hosts have it', async (_, query, places, versions) => {
    const { body } = await gpu(query);
    expect(body.dataCenters.map(({ id }: { id: string }) => id)).toEqual(places);
    expect(body.cudaVersions).toEqual(versions.map((version) => ({ version, available: true })));
  });

  it('asked for a floor above every host says NONE, and names neither places nor versions', async () => {
    const { body } = await gpu('&minCudaVersion=13.0');
    expect(body.availability).toBe('NONE');
    expect(body).not.toHaveProperty('dataCenters');
    expect(body).not.toHaveProperty('cudaVersions');
  });

  it('never has a version of an AMD GPU, which fits as long as nothing is asked', async () => {
    const amd = 'AMD Instinct MI300X OAM';
    const simulator = await simulate({ stock: { [amd]: { 'EU-RO-1': 'HIGH' } } });
    const path = `/catalog/gpus/${encodeURIComponent(amd)}?include=AVAILABILITY&product=POD`;
    const free = await call(simulator, 'GET', path);
    expect([free.body.availability, free.body.cudaVersions]).toEqual(['HIGH', undefined]);
    expect((await call(simulator, 'GET', `${path}&minCudaVersion=12.8`)).body.availability).toBe('NONE');
  });

  it('of the default world has an old host', async () => {
    const path = `/catalog/gpus/${encodeURIComponent('NVIDIA GeForce RTX 3090')}?include=AVAILABILITY&product=POD`;
    const { body } = await call(await simulate(), 'GET', `${path}&minCudaVersion=12.8`);
    expect(body.dataCenters.map(({ id }: { id: string }) => id)).toEqual(['EU-CZ-1']);
  });
});

async function create(cuda: Record<string, unknown>, changes: Record<string, unknown> = {}) {
  const body = podRequest({ gpu: { id: A40, count: 1, ...cuda }, ...changes });
  return call(await simulate(scenario), 'POST', '/pods', { body });
}

async function gpu(query: string) {
  const path = `/catalog/gpus/${encodeURIComponent(A40)}?include=AVAILABILITY&product=POD${query}`;
  return call(await simulate(scenario), 'GET', path);
}
