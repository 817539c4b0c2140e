import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { inProcess } from '../support/shell.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
const config = () => JSON.parse(readFileSync(join(world.home, 'config.json'), 'utf8'));
const set = (...argv: string[]) => inProcess(world, ['config', 'set', ...argv]);

beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.end());

it('config set changes one setting, keeps the rest, unknown ones too, and closes the file to others', async () => {
  const path = join(world.home, 'config.json');
  writeFileSync(path, JSON.stringify({ ...config(), notes: ['mine'], defaults: { gpu_count: 2 } }), {
    mode: 0o644,
  });
  expect((await set('default_volume_id', 'abc123xyz')).code).toBe(0);
  expect((await set('gpu_preferences', 'A40, L40S')).code).toBe(0);
  expect(config()).toMatchObject({
    notes: ['mine'],
    providers: { runpod: { default_volume_id: 'abc123xyz', ssh_key_path: expect.any(String) } },
    defaults: { gpu_count: 2, gpu_preferences: ['A40', 'L40S'] },
  });
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

it('an empty value takes the setting out, so that its default holds', async () => {
  await set('default_volume_mount', '/data');
  expect(config().providers.runpod.default_volume_mount).toBe('/data');
  await set('default_volume_mount', '');
  expect(config().providers.runpod).not.toHaveProperty('default_volume_mount');
  const path = join(world.home, 'config.json');
  const { providers } = config();
  writeFileSync(path, JSON.stringify({ providers: { runpod: { ...providers.runpod, api_key: 'rpa_X' } } }));
  expect((await set('api_key', '')).code).toBe(0);
  expect(config()).toEqual({ providers });
});

it('a config.json that cannot be read is left as it is', async () => {
  const path = join(world.home, 'config.json');
  const good = readFileSync(path, 'utf8');
  writeFileSync(path, '{ not json');
  expect((await set('gpu_count', '2')).code).toBe(2);
  expect(readFileSync(path, 'utf8')).toBe('{ not json');
  writeFileSync(path, good);
});

it.each([
  ['default_volume_id', 'nope', /no network volume nope[\s\S]*abc123xyz/],
  ['default_datacenter', 'XX', /no data center XX/],
  ['gpu_preferences', 'A40, RTX 4091', /RTX 4091[\s\S]*RTX 4090/],
  ['ssh_key_path', '/nope', /\/nope does not exist/],
])('config set %s %s is refused with what there is, and changes nothing', async (name, value, words) => {
  const before = config();
  const { code, stderr } = await set(name, value);
  expect([code, stderr]).toEqual([2, expect.stringMatching(words)]);
  expect(config()).toEqual(before);
});

it('config set require_proof takes true and false, and nothing else', async () => {
  expect((await set('require_proof', 'True')).code).toBe(0);
  expect(config().security).toEqual({ require_proof: true });
  const { code, stderr } = await set('require_proof', 'yes');
  expect([code, stderr]).toEqual([2, expect.stringContaining('“yes” is neither true nor false')]);
  expect(config().security).toEqual({ require_proof: true });
  expect((await set('security.require_proof', '')).code).toBe(0);
});

it('config set writes a data center as RunPod does', async () => {
  expect((await set('default_datacenter', 'us-ga-1')).code).toBe(0);
  expect(config().providers.runpod.default_datacenter).toBe('US-GA-1');
  await set('default_datacenter', '');
});

it.each([
  ['without a key', { RUNPOD_API_KEY: '' }],
  ['offline', { AUTOPOD_API_URL: 'http://127.0.0.1:1/v2' }],
])('%s a setting is saved, with a word that it could not be checked', async (_, env) => {
  const world2 = { env: { ...world.env, ...env } };
  const { code, stderr } = await inProcess(world2, ['config', 'set', 'default_volume_id', 'abc123xyz']);
  expect([code, stderr]).toEqual([0, expect.stringContaining('could not be checked')]);
});

it('config init without a terminal names what to use instead', async () => {
  const { code, stderr } = await inProcess(world, ['config', 'init']);
  expect([code, stderr]).toEqual([1, expect.stringContaining('autopod config set NAME VALUE')]);
  expect(stderr).not.toContain('--yes');
});

it('config show tells what is in force and nothing of the key but its end', async () => {
  const env = { ...world.env, RUNPOD_API_KEY: 'rpa_ABCDEFGHIJKLMNOP1234' };
  const shown = await inProcess({ env }, ['config', 'show', '--json']);
  expect(JSON.parse(shown.stdout)).toMatchObject({ apiKey: '…1234', volumeId: 'abc123xyz' });
  expect(shown.stdout).not.toContain('rpa_');
});

it('doctor: all is well with the simulator, and ends 0', async () => {
  const { code, stdout } = await inProcess(world, ['doctor', '--json']);
  const { isWell, checks } = JSON.parse(stdout) as {
    isWell: boolean;
    checks: { name: string; verdict: string }[];
  };
  const bad = checks.filter(({ verdict }) => verdict === 'bad').map(({ name }) => name);
  // Port 8188 may be another program's on the machine that runs this.
  expect(bad.filter((name) => name !== 'Port 8188')).toEqual([]);
  expect(code).toBe(isWell ? 0 : 1);
});

it('doctor tells each fault apart, with how to mend it, and ends 1', async () => {
  const env = { ...world.env, RUNPOD_API_KEY: 'wrong-key' };
  const { code, stdout } = await inProcess({ env }, ['doctor']);
  expect(code).toBe(1);
  expect(stdout).toMatch(/BAD +API key +RunPod refused the API key[\s\S]*→ .*RUNPOD_API_KEY/);
  expect(stdout).toMatch(/ok +SSH key/);
});
