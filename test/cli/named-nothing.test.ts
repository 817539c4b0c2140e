import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inProcess } from '../support/shell.ts';
import { HAS_SCRIPT, onTerminal } from '../support/terminal.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
/** Port 8188 is left to whoever else asks for it. */
const show = (...argv: string[]) =>
  inProcess(
    world,
    argv[0] === 'up' && !argv.includes('--local-port') ? [...argv, '--local-port', 'auto'] : argv,
  );
const settings = (change: object) => {
  const path = join(world.home, 'config.json');
  const before = JSON.parse(readFileSync(path, 'utf8'));
  const runpod = { ...before.providers.runpod, ...change };
  writeFileSync(path, JSON.stringify({ ...before, providers: { runpod } }), { mode: 0o600 });
};

beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.end());

describe('a value that names nothing', () => {
  it.each([
    [['up', '--volume-id', 'nope'], 2, /no network volume nope[\s\S]*leave it out/],
    [['gpus', '--volume-id', 'nope'], 2, /no network volume nope/],
    [['up', '--gpu', 'nope'], 2, /no GPU called “nope”/],
    [['gpus', 'nope'], 2, /no GPU called “nope”/],
    [['gpus', 'nope', '--all'], 2, /no GPU called “nope”/],
    [['up', '--datacenter', 'XX'], 2, /no data center XX/],
    [['info', 'nope'], 1, /no pod nope/],
    [['history', 'nope'], 1, /nothing about nope/],
    [['tunnel', 'nope', '--status'], 1, /no tunnel to pod nope/],
  ])('%j ends with the code of its kind', async (argv, code, words) => {
    const run = await show(...argv);
    expect([run.code, run.stderr]).toEqual([code, expect.stringMatching(words)]);
  });

  it('a maker is no GPU, and near to none', async () => {
    const { code, stderr } = await show('up', '--gpu', 'nvidia');
    expect([code, stderr]).toEqual([2, expect.stringContaining('`autopod gpus --all` lists the names')]);
    expect(stderr).not.toContain('Did you mean');
  });

  it.each([['100'], ['9']])(
    'no prices are told of machines with %s GPUs, which nobody has',
    async (count) => {
      const { code, stdout, stderr } = await show('gpus', 'A40', '--gpu-count', count, '--all');
      expect([code, stdout, stderr]).toEqual([
        2,
        '',
        expect.stringMatching(/No machine has .* the most on one is \d/),
      ]);
    },
  );

  it('a default volume that is gone is said to be in config.json, and --no-volume does without', async () => {
    settings({ default_volume_id: 'gone1' });
    const gone = await show('up', '--local-port', 'auto');
    expect([gone.code, gone.stderr]).toEqual([
      2,
      expect.stringMatching(/volume gone1[\s\S]*config\.json names it[\s\S]*--no-volume/),
    ]);
    expect(gone.stderr).not.toContain('leave it out');
    const plan = await show('up', '--no-volume', '--dry-run', '--local-port', 'auto');
    expect([plan.code, plan.stdout]).toEqual([0, expect.not.stringContaining('gone1')]);
    expect((await show('up', '--no-volume', '--volume-id', 'abc123xyz')).code).toBe(2);
    settings({ default_volume_id: null });
    await show('kill', '--yes');
  });
});

it('config show says where the key comes from, and its last four characters', async () => {
  const keyed = { ...world.env, RUNPOD_API_KEY: 'rpa_0123456789ABCD' };
  expect((await inProcess({ env: keyed }, ['config', 'show'])).stdout).toMatch(
    /API key: +…ABCD from RUNPOD_API_KEY/,
  );
  settings({ api_key: 'rpa_0123456789WXYZ' });
  const unset = { ...world.env, RUNPOD_API_KEY: '' };
  expect((await inProcess({ env: unset }, ['config', 'show'])).stdout).toMatch(/…WXYZ from config\.json/);
});

it('autopod help lists the topics', async () => {
  expect((await show('help')).stdout).toMatch(/autopod help TOPIC\):\n +states\n +tunnels\n +money/);
});

describe('what was made on a pod without a volume', () => {
  beforeAll(async () => {
    const run = await world.autopod(['up', '--no-tunnel']);
    expect([run.code, run.stderr]).toEqual([0, expect.stringContaining('gets no network volume')]);
  });

  it.runIf(HAS_SCRIPT)('is not lost by stop without asking', async () => {
    const terminal = onTerminal(world, ['stop']);
    await terminal.when(/is lost when it stops\. Stop it\?/, 'n\r');
    expect((await terminal.ended).code).toBe(1);
    expect((await world.pods())[0]?.status).toBe('RUNNING');
  });

  it('is said to be lost where nobody can be asked, and the costs end', async () => {
    const { code, stderr } = await show('stop');
    expect([code, stderr]).toEqual([0, expect.stringContaining('is lost with the stop')]);
    expect((await show('stop', '--yes')).stderr).not.toContain('lost');
  });
});
