import { expect, it } from 'vitest';
import { A40, call, podRequest, simulate } from './support/simulator.ts';

const NO_CAPACITY =
  'There are no longer any instances available with the requested specifications. Please refresh and try again.';
const network = [{ volumeId: 'abc123xyz', path: '/workspace' }];
const stock = { [A40]: { 'US-GA-1': 'LOW', 'CA-MTL-1': 'HIGH', 'EU-SE-1': 'NONE' } } as const;

it.each([
  ['where there is most of it', {}, 'CA-MTL-1'],
  ['where it was asked to be', { dataCenterIds: ['US-GA-1'] }, 'US-GA-1'],
  ['in the best of the places asked for', { dataCenterIds: ['EU-SE-1', 'US-GA-1', 'CA-MTL-1'] }, 'CA-MTL-1'],
  ['with its volume', { mounts: { network } }, 'US-GA-1'],
  [
    'with its volume among the places asked for',
    { mounts: { network }, dataCenterIds: ['CA-MTL-1', 'US-GA-1'] },
    'US-GA-1',
  ],
])('places a pod %s', async (_, changes, dataCenterId) => {
  const { status, body } = await create({ stock }, changes);
  expect([status, body.dataCenterId]).toEqual([201, dataCenterId]);
});

it.each([
  ['nothing is in stock', { dataCenterIds: ['EU-SE-1'] }, NO_CAPACITY],
  ['the place does not offer it', { dataCenterIds: ['US-TX-3'] }, NO_CAPACITY],
  ['too many are asked for', { gpu: { id: A40, count: 9 } }, NO_CAPACITY],
  ['no machine has the CUDA version', { gpu: { id: A40, count: 1, minCudaVersion: '14.0' } }, NO_CAPACITY],
  ['the GPU type is unknown', { gpu: { id: 'A40', count: 1 } }, 'gpu type not found: A40'],
  ['the data center is unknown', { dataCenterIds: ['MOON-1'] }, 'data center not found: MOON-1'],
  [
    'the volume is unknown',
    { mounts: { network: [{ volumeId: 'nope', path: '/w' }] } },
    'network volume not found: nope',
  ],
  [
    'the volume is elsewhere',
    { mounts: { network }, dataCenterIds: ['CA-MTL-1'] },
    /abc123xyz is in data center US-GA-1/,
  ],
  [
    'the cloud has no volumes',
    { mounts: { network }, cloud: 'COMMUNITY' },
    /only available in the SECURE cloud/,
  ],
  [
    'two kinds of mount are asked for',
    { mounts: { network, persistent: { size: 20, path: '/p' } } },
    /mutually exclusive/,
  ],
  ['neither GPU nor CPU is asked for', { gpu: undefined }, 'exactly one of gpu or cpu must be set'],
  [
    'both CUDA constraints are given',
    { gpu: { id: A40, allowedCudaVersions: ['12.8'], minCudaVersion: '12.1' } },
    /mutually exclusive/,
  ],
])('answers 400 when %s', async (_, changes, detail) => {
  const { status, body } = await create({ stock }, changes);
  expect(status).toBe(400);
  if (typeof detail === 'string') expect(body.detail).toBe(detail);
  else expect(body.detail).toMatch(detail);
});

it('answers 403 for a GPU type that is closed to the account', async () => {
  expect((await create({ closedGpus: [A40] }, {})).status).toBe(403);
});

async function create(scenario: Parameters<typeof simulate>[0], changes: Record<string, unknown>) {
  return call(await simulate(scenario), 'POST', '/pods', { body: podRequest(changes) });
}
