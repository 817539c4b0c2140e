import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
beforeAll(async () => {
  world = await startWorld();
});
/** Port 8188 is left to whoever else asks for it. */
const autopod = (args: string[], env?: NodeJS.ProcessEnv) =>
  world.autopod(
    args[0] === 'up' && !args.includes('--local-port') ? [...args, '--local-port', 'auto'] : args,
    env,
  );
afterEach(async () => {
  expect(await world.podIds(), 'a refused command bought a pod').toEqual([]);
});
afterAll(() => world.end());

describe('what cannot be is refused before anything is bought', () => {
  const cases: [title: string, args: string[], code: number, words: string[]][] = [
    [
      'a volume in another data center, with the fix named',
      ['up', '--volume-id', 'abc123xyz', '--datacenter', 'CA-MTL-1'],
      2,
      ['Volume abc123xyz is in US-GA-1, but you requested CA-MTL-1', '--datacenter US-GA-1'],
    ],
    [
      'a volume that does not exist, with those that do',
      ['up', '--volume-id', 'nope'],
      2,
      ['nope', 'abc123xyz (comfy-models)'],
    ],
    [
      'the Community cloud with a volume',
      ['up', '--volume-id', 'abc123xyz', '--cloud-type', 'community'],
      2,
      ['Secure'],
    ],
    ['a GPU nobody knows, with near names', ['up', '--gpu', 'RTX 4091'], 2, ['RTX 4091', 'RTX 4090']],
    ['a GPU name that fits several', ['up', '--gpu', 'H100'], 2, ['H100', 'could be any of']],
    ['a data center nobody knows', ['up', '--datacenter', 'US-GA-11'], 2, ['US-GA-11', 'US-GA-1']],
    ['more GPUs than a machine has', ['up', '--gpu-count', '99'], 2, ['--gpu-count']],
    ['a relative mount path', ['up', '--volume-mount', 'workspace'], 2, ['workspace', 'absolute']],
    ['a disk size that is no number', ['up', '--disk-size', 'big'], 2, ['whole number']],
    ['a port that is none', ['up', '--local-port', '70000'], 2, ['65535']],
    ['a duration that is none', ['up', '--timeout', 'soon'], 2, ['30m']],
    ['an unknown command, with a near one', ['upp'], 2, ['up']],
    ['an unknown option, with a near one', ['up', '--gpus', 'A40'], 2, ['--gpu']],
    ['two wishes that exclude each other', ['tunnel', '--stop', '--status'], 2, ['exclude']],
    ['a pod nobody has', ['info', 'nothere'], 1, ['nothere', 'autopod ls']],
    ['a command about the only pod when there is none', ['stop'], 1, ['There are no pods']],
  ];
  for (const [title, args, code, words] of cases) {
    it(title, async () => {
      const run = await autopod(args);
      expect(run.code, run.stderr).toBe(code);
      expect(run.stdout).toBe('');
      for (const word of words) expect(run.stderr).toContain(word);
      expect(run.stderr).not.toMatch(/\n\s+at /);
    });
  }

  it('with --json the refusal is one JSON value on stdout', async () => {
    const run = await autopod(['up', '--json', '--gpu', 'nonsense']);
    expect(run.code).toBe(2);
    expect(JSON.parse(run.stdout)).toMatchObject({
      error: { code: 'gpuUnknown', message: expect.any(String), hint: expect.any(String) },
    });
    expect(run.stderr).toBe('');
  });

  it('a local port another program has, with its name and the flag', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const run = await autopod(['up', '--local-port', String(port)]);
    other.close();
    expect(run.code).toBe(1);
    expect(run.stderr).toContain(`(process ${process.pid})`);
    expect(run.stderr).toContain('--local-port auto');
  });

  it('a missing API key, with where to get one', async () => {
    const run = await autopod(['up'], { RUNPOD_API_KEY: '' });
    expect([run.code, run.stderr]).toEqual([1, expect.stringContaining('RUNPOD_API_KEY')]);
  });

  it('a wrong API key, and not as an empty list', async () => {
    for (const args of [['ls'], ['up']]) {
      const run = await autopod(args, { RUNPOD_API_KEY: 'rpa_wrong' });
      expect([run.code, run.stderr]).toEqual([1, expect.stringContaining('refused the API key')]);
      expect(run.stderr + run.stdout).not.toContain('rpa_wrong');
    }
  });

  it('a RunPod that cannot be reached', async () => {
    const timings = JSON.stringify({ ...JSON.parse(world.env.AUTOPOD_TIMINGS ?? '{}'), apiPatienceMs: 500 });
    const env = { AUTOPOD_API_URL: 'http://127.0.0.1:1/v2', AUTOPOD_TIMINGS: timings };
    const run = await autopod(['up'], env);
    expect([run.code, run.stderr]).toEqual([1, expect.stringContaining('cannot be reached')]);
  });

  it('a config.json that is not JSON, by line and column', async () => {
    const home = world.env.AUTOPOD_HOME ?? '';
    const path = join(home, 'config.json');
    const good = await readFile(path, 'utf8');
    await writeFile(path, '{\n  "providers": {,\n}');
    const run = await autopod(['up']);
    await writeFile(path, good);
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(/config\.json cannot be used, at line 2, column \d+/);
  });
});

describe('--dry-run', () => {
  it('prints the plan and the request and keeps nothing', async () => {
    const before = await readFile(join(world.home, 'pods.json'), 'utf8');
    const run = await autopod([
      'up',
      '--dry-run',
      '--volume-id',
      'abc123xyz',
      '--gpu',
      'A40',
      '--gpu',
      'RTX A6000',
    ]);
    expect(run.code, run.stderr).toBe(0);
    expect(run.stdout).toContain('1. A40 in US-GA-1');
    expect(run.stdout).toContain('"volumeId": "abc123xyz"');
    expect(await readFile(join(world.home, 'pods.json'), 'utf8')).toBe(before);
  });

  it('as JSON it holds candidates and the request', async () => {
    const { candidates, request } = JSON.parse(
      (await autopod(['up', '--dry-run', '--json', '--gpu', 'A40'])).stdout,
    );
    expect(candidates[0]).toMatchObject({ gpuId: 'NVIDIA A40', pricePerHour: expect.any(Number) });
    expect(request).toMatchObject({ ports: ['22/tcp'], gpu: { count: 1 } });
  });
});

it('config path prints where config.json is, without a key or a network', async () => {
  const run = await autopod(['config', 'path'], {
    RUNPOD_API_KEY: '',
    AUTOPOD_API_URL: 'http://127.0.0.1:1',
  });
  expect(run).toMatchObject({ code: 0, stdout: `${join(world.home, 'config.json')}\n` });
});

it('every command has help that ends 0', async () => {
  const { stdout } = await autopod(['--help']);
  const verbs = [...stdout.matchAll(/^ {2}(\w+)[| ]/gm)].map(([, verb]) => verb ?? '');
  expect(verbs.length).toBeGreaterThan(12);
  const helps = await Promise.all(
    verbs.filter((verb) => verb !== 'help').map((verb) => autopod([verb, '--help'])),
  );
  for (const help of helps)
    expect(help).toMatchObject({ code: 0, stdout: expect.stringContaining('Usage:') });
});
