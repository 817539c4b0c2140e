import { expect, it } from 'vitest';
import { A40, call, simulate } from './support/simulator.ts';

const stock = {
  [A40]: { 'US-GA-1': 'LOW', 'CA-MTL-1': 'HIGH', 'EU-SE-1': 'NONE' },
  'NVIDIA L4': { 'EU-RO-1': 'NONE' },
} as const;
const AVAILABILITY = 'include=AVAILABILITY&product=POD';

it('lists GPU types without availability unless asked', async () => {
  const { body } = await get('/catalog/gpus');
  const a40 = body.gpus.find(({ id }: { id: string }) => id === A40);
  expect(a40).toEqual({
    id: A40,
    name: 'A40',
    pool: 'AMPERE_48',
    manufacturer: 'NVIDIA',
    memory: 48,
    secure: true,
    community: true,
    price: { secure: 0.4, community: 0.35 },
    maxCount: { secure: 8, community: 4 },
  });
});

it('tells the best level, and the level of each data center that offers it', async () => {
  const { body } = await get(`/catalog/gpus/${encodeURIComponent(A40)}?${AVAILABILITY}&cloud=SECURE&count=1`);
  expect(body.availability).toBe('HIGH');
  expect(body.dataCenters).toEqual([
    { id: 'US-GA-1', name: 'US Georgia 1', availability: 'LOW' },
    { id: 'CA-MTL-1', name: 'Canada Montreal 1', availability: 'HIGH' },
    { id: 'EU-SE-1', name: 'Sweden 1', availability: 'NONE' },
  ]);
  expect(body.cudaVersions).toContainEqual({ version: '12.8', available: true });
});

it.each([
  ['more than a machine has', 'NVIDIA A40', '&count=9'],
  ['what is sold out', 'NVIDIA L4', ''],
  ['a cloud that does not have it', 'NVIDIA L4', '&cloud=COMMUNITY'],
  ['a CUDA version no machine has', 'NVIDIA A40', '&cudaVersions=11.0'],
])('says NONE and names no data center for %s', async (_, id, more) => {
  const { body } = await get(`/catalog/gpus/${encodeURIComponent(id)}?${AVAILABILITY}${more}`);
  expect(body.availability).toBe('NONE');
  expect(body).not.toHaveProperty('dataCenters');
});

it('drops from the list what no asked country offers', async () => {
  const { body } = await get(`/catalog/gpus?${AVAILABILITY}&countryCodes=RO`);
  expect(body.gpus.map(({ id }: { id: string }) => id)).toEqual(['NVIDIA L4']);
});

it.each([
  ['include=AVAILABILITY', 'product is required with include=AVAILABILITY'],
  ['product=POD', 'product is valid only with include=AVAILABILITY'],
  ['cloud=SECURE', 'cloud is valid only with include=AVAILABILITY'],
  ['count=2', 'count is valid only with include=AVAILABILITY'],
  [
    `${AVAILABILITY}&cudaVersions=12.8&minCudaVersion=12`,
    'cudaVersions and minCudaVersion are mutually exclusive',
  ],
])('answers 400 to %s', async (query, detail) => {
  const { status, body } = await get(`/catalog/gpus?${query}`);
  expect([status, body.detail]).toEqual([400, detail]);
});

it('tells what each data center has, and leaves out what was not asked for', async () => {
  const { body } = await get('/catalog/datacenters/CA-MTL-1?include=GPU_AVAILABILITY');
  expect(body.gpuAvailability).toEqual([{ id: A40, name: 'A40', availability: 'HIGH' }]);
  expect((await get('/catalog/datacenters/CA-MTL-1')).body).not.toHaveProperty('gpuAvailability');
  expect((await get('/catalog/datacenters/OC-AU-1?include=GPU_AVAILABILITY')).body).not.toHaveProperty(
    'gpuAvailability',
  );
});

async function get(path: string) {
  return call(await simulate({ stock }), 'GET', path);
}
