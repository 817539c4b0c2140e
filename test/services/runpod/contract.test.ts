import fc from 'fast-check';
import { expect, it, onTestFinished } from 'vitest';
import { violations } from '../../../sim/api/schemas.ts';
import { startSimulator } from '../../../sim/simulator.ts';
import { createRunPod } from '../../../src/services/runpod/client.ts';
import { findLaunch, ownLaunches } from '../../../src/services/runpod/launches.ts';
import { podRequest } from '../../../src/services/runpod/pod-request.ts';

const signal = new AbortController().signal;

it('every create request a wish can make agrees with the OpenAPI document', () => {
  const text = fc.string({ minLength: 1 });
  const wish = fc.record(
    {
      name: text,
      image: text,
      gpuCount: fc.integer({ min: 1, max: 16 }),
      minCudaVersion: fc.constantFrom('12.8', '12.11', '13.0'),
      diskGb: fc.integer({ min: 1, max: 4_000 }),
      volumeId: text,
      volumeMount: text,
      exposedPorts: fc.array(fc.record({ port: fc.integer({ min: 1, max: 65_535 }) })),
    },
    { requiredKeys: ['name', 'image', 'gpuCount', 'diskGb', 'volumeMount', 'exposedPorts'] },
  );
  const candidate = fc.record(
    {
      gpuId: text,
      gpuName: text,
      dataCenterId: text,
      cloud: fc.constantFrom('SECURE' as const, 'COMMUNITY' as const),
      stock: text,
      pricePerHour: fc.double({ min: 0 }),
    },
    { requiredKeys: ['gpuId', 'gpuName', 'cloud', 'stock', 'pricePerHour'] },
  );
  fc.assert(
    fc.property(wish, candidate, text, text, fc.array(text), (asked, where, launchId, secret, publicKeys) => {
      const request = podRequest(asked, where, { launchId, secret, publicKeys });
      expect(violations('/components/schemas/CreatePodRequest', request)).toEqual([]);
    }),
  );
});

it('opens nothing but ssh unless asked, sends the GPU count, and repeats no key (I10)', () => {
  const wish = {
    name: 'a',
    image: 'b',
    gpuCount: 1,
    diskGb: 50,
    volumeMount: '/workspace',
    exposedPorts: [],
  };
  const candidate = {
    gpuId: 'NVIDIA A40',
    gpuName: 'A40',
    cloud: 'SECURE',
    stock: 'HIGH',
    pricePerHour: 1,
  } as const;
  const request = podRequest(wish, candidate, {
    launchId: 'l',
    secret: 's',
    publicKeys: ['ssh-ed25519 A x', 'ssh-ed25519 A x\n', ''],
  });
  expect(request).toMatchObject({
    ports: ['22/tcp'],
    gpu: { count: 1 },
    env: { PUBLIC_KEY: 'ssh-ed25519 A x' },
  });
  expect(request).not.toHaveProperty('mounts');
  expect(request.gpu).not.toHaveProperty('minCudaVersion');
});

it('every other request of the client is accepted by a server that validates against the document', async () => {
  const simulator = await startSimulator({
    scenario: {
      checkAnswers: true,
      latencies: { provisioningMs: 0, imagePullMs: 0, sshdMs: 0, comfyStartMs: 0, stopMs: 0 },
    },
  });
  onTestFinished(() => simulator.close());
  const runpod = createRunPod({ apiUrl: `${simulator.url}/`, apiKey: 'sim-key' });
  const gpus = await runpod.gpuCatalog({ count: 2, cloud: 'COMMUNITY' }, signal);
  expect(gpus.length).toBeGreaterThan(5);
  const modern = await runpod.gpuCatalog({ count: 2, cloud: 'COMMUNITY', minCudaVersion: '13.0' }, signal);
  expect(modern.find(({ name }) => name === 'RTX 5090')?.availability).not.toBe('NONE');
  expect(modern.find(({ name }) => name === 'A40')?.availability).toBe('NONE');
  expect((await runpod.dataCenters(signal)).map(({ id }) => id)).toContain('US-GA-1');
  const [volume] = await runpod.listNetworkVolumes(signal);
  expect(await runpod.getNetworkVolume(volume?.id ?? '', signal)).toEqual(volume);
  expect(await runpod.registeredSshKeys(signal)).toEqual([]);

  const wish = {
    name: 'a',
    image: 'b',
    gpuCount: 1,
    diskGb: 50,
    volumeMount: '/workspace',
    exposedPorts: [],
  };
  const candidate = {
    gpuId: 'NVIDIA A40',
    gpuName: 'A40',
    cloud: 'SECURE',
    stock: 'HIGH',
    pricePerHour: 1,
  } as const;
  const pod = await runpod.createPod(
    podRequest(wish, candidate, { launchId: 'l1', secret: 's1', publicKeys: ['ssh-ed25519 A x'] }),
    signal,
  );
  expect((await findLaunch(runpod, 'l1', signal)).map(({ id }) => id)).toEqual([pod.id]);
  expect(await ownLaunches(runpod, signal)).toHaveLength(1);
  expect(await findLaunch(runpod, 'l2', signal)).toEqual([]);
  expect((await runpod.getPod(pod.id, signal)).id).toBe(pod.id);

  const left = new AbortController();
  for await (const line of runpod.podLogs(pod.id, { source: 'system', tail: 5 }, { signal: left.signal })) {
    expect(line.source).toBe('system');
    left.abort();
  }
  while ((await runpod.getPod(pod.id, signal)).status !== 'RUNNING') await new Promise(setImmediate);
  await runpod.act(pod.id, 'restart', signal);
  await runpod.act(pod.id, 'stop', signal);
  while ((await runpod.getPod(pod.id, signal)).status !== 'EXITED') await new Promise(setImmediate);
  await runpod.act(pod.id, 'start', signal);
  await runpod.terminatePod(pod.id, signal);
  await runpod.terminatePod(pod.id, signal);
  expect(await runpod.listPods(signal)).toEqual([]);

  const answer = await fetch(`${simulator.controlUrl}/requests`);
  const { requests } = (await answer.json()) as { requests: { status: number; operationId?: string }[] };
  expect(requests.filter(({ status }) => status >= 400 && status !== 404)).toEqual([]);
  expect(requests.every(({ operationId }) => operationId !== undefined)).toBe(true);
});
