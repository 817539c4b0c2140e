import { expect, it } from 'vitest';
import { checkAnswer } from '../../sim/api/check-answer.ts';
import { OPERATIONS } from '../../sim/api/document.ts';
import { HANDLERS } from '../../sim/api/handlers/index.ts';
import { call, createPod, podRequest, type Reply, readyPod, simulate } from './support/simulator.ts';

type Sample = [method: string, path: string, status: number, body?: unknown];

const VOLUME = { name: 'v', size: 20, dataCenter: 'EU-RO-1' };
const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILXGDN/SclOozk1xsDztpmhGiKkkrfQB9SKoO8dSIQQZ me';
const AVAILABILITY = 'include=AVAILABILITY&product=POD';

const SAMPLES: Record<string, Sample[]> = {
  listPods: [
    ['GET', '/pods', 200],
    ['GET', '/pods?includeClusterPods=true&whatever=1', 200],
    ['GET', '/pods?includeClusterPods=maybe', 422],
  ],
  createPod: [
    ['POST', '/pods', 201, podRequest()],
    [
      'POST',
      '/pods',
      201,
      podRequest({
        globalNetworking: true,
        startJupyter: true,
        mounts: { persistent: { size: 20, path: '/w' } },
      }),
    ],
    ['POST', '/pods', 400, podRequest({ gpu: { id: 'NVIDIA B300' } })],
    ['POST', '/pods', 400],
    ['POST', '/pods', 400, 'not json'],
    ['POST', '/pods', 422, {}],
    ['POST', '/pods', 404, podRequest({ templateId: 'tpl' })],
  ],
  getPod: [
    ['GET', '/pods/:pod', 200],
    ['GET', '/pods/none', 404],
  ],
  updatePod: [
    ['PATCH', '/pods/:pod', 200, { name: 'other', locked: false, env: { A: 'b' } }],
    ['PATCH', '/pods/:pod', 422, { nam: 'x' }],
    ['PATCH', '/pods/:pod', 400, { mounts: { network: [] } }],
    ['PATCH', '/pods/none', 404, { name: 'x' }],
  ],
  podAction: [
    ['POST', '/pods/:pod/action', 200, { action: 'restart' }],
    ['POST', '/pods/:pod/action', 422, { action: 'explode' }],
    ['POST', '/pods/:pod/action', 409, { action: 'start' }],
    ['POST', '/pods/none/action', 404, { action: 'stop' }],
    ['POST', '/pods/:pod/action', 200, { action: 'stop' }],
    ['POST', '/pods/:pod/action', 204, { action: 'terminate' }],
  ],
  deletePod: [
    ['DELETE', '/pods/:pod', 204],
    ['DELETE', '/pods/none', 404],
  ],
  listPodBilling: [
    ['GET', '/billing/pods', 200],
    ['GET', '/billing/pods?bucketSize=day&lastN=7', 200],
    ['GET', '/billing/pods?bucketSize=second', 422],
  ],
  listNetworkVolumeBilling: [
    ['GET', '/billing/network-volumes', 200],
    ['GET', '/billing/network-volumes?bucketSize=week', 200],
    ['GET', '/billing/network-volumes?lastN=many', 422],
  ],
  getSshKeys: [['GET', '/account/ssh-keys', 200]],
  updateSshKeys: [
    ['PUT', '/account/ssh-keys', 200, { keys: [KEY] }],
    ['PUT', '/account/ssh-keys', 422, { keys: ['nonsense'] }],
  ],
  listNetworkVolumes: [['GET', '/network-volumes', 200]],
  createNetworkVolume: [
    ['POST', '/network-volumes', 201, VOLUME],
    ['POST', '/network-volumes', 400, { ...VOLUME, dataCenter: 'XX' }],
    ['POST', '/network-volumes', 422, { ...VOLUME, size: 1 }],
  ],
  getNetworkVolume: [
    ['GET', '/network-volumes/abc123xyz', 200],
    ['GET', '/network-volumes/none', 404],
  ],
  updateNetworkVolume: [
    ['PATCH', '/network-volumes/abc123xyz', 200, { size: 300 }],
    ['PATCH', '/network-volumes/abc123xyz', 400, { size: 20 }],
    ['PATCH', '/network-volumes/abc123xyz', 422, {}],
  ],
  deleteNetworkVolume: [
    ['DELETE', '/network-volumes/abc123xyz', 204],
    ['DELETE', '/network-volumes/none', 404],
  ],
  listGpuTypes: [
    ['GET', '/catalog/gpus', 200],
    [
      'GET',
      `/catalog/gpus?${AVAILABILITY}&cloud=COMMUNITY&count=2&countryCodes=CA,US&minCudaVersion=12`,
      200,
    ],
    ['GET', '/catalog/gpus?include=AVAILABILITY', 400],
    ['GET', '/catalog/gpus?include=STOCK', 422],
  ],
  getGpuType: [
    ['GET', '/catalog/gpus/NVIDIA%20A40', 200],
    ['GET', `/catalog/gpus/NVIDIA%20A40?${AVAILABILITY}`, 200],
    ['GET', '/catalog/gpus/none', 404],
  ],
  listDataCenters: [
    ['GET', '/catalog/datacenters', 200],
    ['GET', '/catalog/datacenters?include=GPU_AVAILABILITY&regions=EUROPE,ASIA&globalNetwork=true', 200],
    ['GET', '/catalog/datacenters?regions=ATLANTIS', 422],
  ],
  getDataCenter: [
    ['GET', '/catalog/datacenters/US-GA-1?include=GPU_AVAILABILITY', 200],
    ['GET', '/catalog/datacenters/none', 404],
  ],
};

it('has a sample of every operation it simulates, except the log stream', () => {
  expect(Object.keys(SAMPLES).sort()).toEqual(
    Object.keys(HANDLERS)
      .filter((id) => id !== 'getPodLogs')
      .sort(),
  );
});

it.each(Object.entries(SAMPLES))(
  'answers %s as the document says, in every status',
  async (operationId, samples) => {
    const simulator = await simulate();
    const { id } = await readyPod(simulator);
    for (const [method, path, status, body] of samples) {
      const reply = await call(
        simulator,
        method,
        path.replace(':pod', id),
        body === undefined ? {} : { body },
      );
      expect([method, path, reply.status, reply.body?.errors ?? reply.body?.detail]).toEqual([
        method,
        path,
        status,
        reply.body?.errors ?? reply.body?.detail,
      ]);
      expect(wrongIn(operationId, reply)).toEqual([]);
      expect(simulator.world.requests.entries.at(-1)).toMatchObject({ operationId, status });
    }
  },
);

it('checks a pod in every status', async () => {
  const simulator = await simulate();
  const pod = await readyPod(simulator);
  for (const status of ['PROVISIONING', 'STARTING', 'RUNNING', 'EXITED', 'ERROR'] as const) {
    pod.status = status;
    const reply = await call(simulator, 'GET', `/pods/${pod.id}`);
    expect(reply.body.status).toBe(status);
    expect(wrongIn('getPod', reply)).toEqual([]);
  }
});

it('would notice an answer that breaks the document', async () => {
  const simulator = await simulate();
  const pod = await createPod(simulator);
  Object.assign(pod.spec, { disk: 'plenty' });
  const { status, body } = await call(simulator, 'GET', `/pods/${pod.id}`);
  expect(status).toBe(500);
  expect(body.errors).toEqual(['$.disk: must be integer']);
});

it.each([
  ['no key', null],
  ['a wrong key', 'other'],
])('refuses %s with a 401 and without rate-limit headers', async (_, key) => {
  const reply = await call(await simulate(), 'GET', '/pods', { key });
  expect(reply.status).toBe(401);
  expect(reply.headers.get('ratelimit')).toBeNull();
  expect(wrongIn('listPods', reply)).toEqual([]);
});

it('says what it does not simulate, what does not exist, and which methods a path has', async () => {
  const simulator = await simulate();
  expect((await call(simulator, 'GET', '/templates')).body.detail).toBe('listTemplates is not simulated');
  expect((await call(simulator, 'GET', '/nowhere')).status).toBe(404);
  const reply = await call(simulator, 'PUT', '/pods');
  expect([reply.status, reply.headers.get('allow')]).toEqual([405, 'GET, POST']);
});

function wrongIn(operationId: string, { status, headers, body }: Reply): string[] {
  const operation = OPERATIONS.find((one) => one.operationId === operationId);
  if (!operation) throw new Error(operationId);
  const type = headers.get('content-type');
  return checkAnswer(operation, {
    status,
    body,
    ...(type !== null && { headers: { 'content-type': type } }),
  });
}
