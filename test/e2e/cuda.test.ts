import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWorld, type TestWorld } from '../support/world.ts';

const A40 = 'NVIDIA A40';
const A5000 = 'NVIDIA RTX A5000';
const L4 = 'NVIDIA L4';

let world: TestWorld;
beforeAll(async () => {
  world = await startWorld({
    stock: {
      [A40]: { 'US-GA-1': 'HIGH', 'EU-SE-1': 'LOW' },
      [A5000]: { 'US-GA-1': 'MEDIUM' },
      [L4]: { 'EU-RO-1': 'HIGH' },
    },
    hostCudaVersions: {
      [A40]: { 'US-GA-1': ['12.4'], 'EU-SE-1': ['12.9'] },
      [A5000]: { 'US-GA-1': ['12.4', '12.8'] },
      [L4]: { 'EU-RO-1': ['12.2', '12.11'] },
    },
  });
});
afterAll(() => world.end());

const dryRun = async (...args: string[]) => {
  const run = await world.autopod(['connect', '--no-tunnel', '--dry-run', '--json', ...args]);
  return JSON.parse(run.stdout) as {
    candidates: { gpuName: string }[];
    tooOld: { gpuName: string }[];
    request: { gpu: unknown };
  };
};

describe('the image decides what CUDA version a host must have at least', () => {
  it('the pod is made on a host that is new enough, though older ones are more in stock', async () => {
    const run = await world.autopod(['up', '--local-port', 'auto', '--name', 'modern']);
    expect(run, run.stderr).toMatchObject({ code: 0 });
    const [pod] = await world.pods();
    expect(pod).toMatchObject({ cudaVersion: '12.9', dataCenterId: 'EU-SE-1' });
    expect(await world.autopod(['kill', '-y', 'modern'])).toMatchObject({ code: 0 });
  });

  it('an image nobody knows asks for nothing, and RunPod picks any host', async () => {
    const { request } = await dryRun('--template', 'somebody/image');
    expect(request.gpu).toEqual({ id: A40, count: 1 });
  });

  it('--min-cuda none lifts it, and 12.11 is more than 12.9', async () => {
    expect((await dryRun('--min-cuda', 'none')).request.gpu).toEqual({ id: A40, count: 1 });
    const { candidates, tooOld, request } = await dryRun(
      '--min-cuda',
      '12.10',
      '--gpu',
      'A40',
      '--gpu',
      'L4',
    );
    expect(candidates.map(({ gpuName }) => gpuName)).toEqual(['L4']);
    expect(tooOld.map(({ gpuName }) => gpuName)).toEqual(['A40']);
    expect(request.gpu).toEqual({ id: L4, count: 1, minCudaVersion: '12.10' });
  });

  it('the setting goes before the image, and the flag before the setting', async () => {
    expect(await world.autopod(['config', 'set', 'min_cuda_version', '12.4'])).toMatchObject({ code: 0 });
    expect((await dryRun()).request.gpu).toMatchObject({ minCudaVersion: '12.4' });
    expect((await dryRun('--min-cuda', '12.9')).request.gpu).toMatchObject({ minCudaVersion: '12.9' });
    expect(await world.autopod(['config', 'set', 'min_cuda_version', ''])).toMatchObject({ code: 0 });
    expect((await dryRun()).request.gpu).toMatchObject({ minCudaVersion: '12.8' });
  });
});

describe('what the floor excluded is told', () => {
  const gpus = ['--gpu', 'A40', '--gpu', 'A5000', '--datacenter', 'US-GA-1'];

  it('by --dry-run', async () => {
    const { stdout } = await world.autopod(['connect', '--no-tunnel', '--dry-run', ...gpus]);
    expect(stdout).toMatch(/1\. RTX A5000 in US-GA-1/);
    expect(stdout).toMatch(/below CUDA 12\.8 \(--min-cuda changes that\):\s+– A40 in US-GA-1, Secure cloud/);
  });

  it('by up, before it tries', async () => {
    const { stderr } = await world.autopod(['up', '--local-port', 'auto', '--name', 'told', ...gpus]);
    expect(stderr).toMatch(/Left out A40 in US-GA-1, Secure cloud: in stock only on hosts below CUDA 12\.8/);
    expect(await world.autopod(['kill', '-y', 'told'])).toMatchObject({ code: 0 });
  });

  it('by up that has no candidate left, which buys nothing', async () => {
    const before = world.simulator.world.createCount;
    const { code, stderr } = await world.autopod([
      'up',
      '--local-port',
      'auto',
      '--gpu',
      'A40',
      '--datacenter',
      'US-GA-1',
    ]);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/below CUDA 12\.8: A40 in US-GA-1/)]);
    expect(stderr).toContain('--min-cuda none');
    expect(world.simulator.world.createCount).toBe(before);
  });

  it('by gpus, which shows all with --min-cuda none', async () => {
    const narrow = await world.autopod(['gpus', '--datacenter', 'US-GA-1']);
    expect(narrow.stdout).not.toContain('A40');
    expect(narrow.stderr).toMatch(/below CUDA 12\.8, and left out: A40/);
    const whole = await world.autopod(['gpus', '--datacenter', 'US-GA-1', '--min-cuda', 'none']);
    expect(whole.stdout).toContain('A40');
    expect(whole.stderr).not.toContain('left out');
  });
});

describe('a value that is no CUDA version is named, and nothing is changed', () => {
  it.each([
    ['a bare major', '12'],
    ['a patch release', '12.8.1'],
    ['a word', 'latest'],
    ['nothing', ''],
  ])('%s', async (_, value) => {
    for (const command of [['up'], ['connect'], ['gpus']]) {
      const { code, stderr } = await world.autopod([...command, '--min-cuda', value]);
      expect([code, stderr]).toEqual([2, expect.stringContaining(value)]);
      expect(stderr).toMatch(/--min-cuda/);
    }
  });

  it('as a setting', async () => {
    const { code, stderr } = await world.autopod(['config', 'set', 'min_cuda_version', '13']);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/“13” is no CUDA version.*12\.8, or none/s)]);
  });

  it('in config.json, with its place', async () => {
    const path = join(world.home, 'config.json');
    const before = readFileSync(path, 'utf8');
    writeFileSync(path, JSON.stringify({ ...JSON.parse(before), defaults: { min_cuda_version: '13' } }));
    const { code, stderr } = await world.autopod(['connect', '--no-tunnel', '--dry-run']);
    writeFileSync(path, before);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/defaults\.min_cuda_version/);
    expect(stderr).toMatch(/“13”/);
  });
});
