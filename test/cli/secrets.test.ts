import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { commandLine } from '../support/processes.ts';
import { HAS_SCRIPT, onTerminal } from '../support/terminal.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

const KEY = 'rpa_4J7SECRETSECRETSECRET9QX';
let world: TestWorld;
beforeAll(async () => {
  world = await startWorld({}, KEY);
});
afterAll(() => world.end());

it('after a full run the API key is in no output, no file, no command line and no environment of ssh', async () => {
  const outputs: string[] = [];
  const autopod = async (...args: string[]) => {
    const { stdout, stderr } = await world.autopod(args, { AUTOPOD_DEBUG: '1' });
    outputs.push(`${args.join(' ')}\n${stdout}${stderr}`);
  };
  await autopod('up', '--local-port', 'auto', '--volume-id', 'abc123xyz');
  for (const args of [
    ['tunnel', '--status', '--json'],
    ['info', '--json'],
    ['ls', '--json'],
    ['comfy', 'info', '--json'],
    ['logs'],
    ['history', '--json'],
    ['doctor', '--json'],
    ['config', 'show', '--json'],
    ['connect', '--no-tunnel', '--dry-run', '--json'],
    ['ssh', '-c', 'env'],
    ['ssh-config'],
  ]) {
    await autopod(...args);
  }
  const ssh = world.processes().filter((pid) => commandLine(pid).startsWith('ssh '));
  expect(ssh.length).toBeGreaterThan(0);
  const environments = ssh.map((pid) => readFileSync(`/proc/${pid}/environ`, 'utf8'));
  const commandLines = world.processes().map(commandLine);
  await autopod('stop');
  await autopod('kill', '--yes');
  await autopod('up', '--gpu', 'no such gpu');

  for (const text of [...outputs, ...environments, ...commandLines]) expect(text).not.toContain(KEY);
  for (const path of filesIn(world.home)) expect(readFileSync(path, 'utf8'), path).not.toContain(KEY);
});

it('a key that came by config set is in config.json and nowhere else, whatever is asked and whatever fails', async () => {
  const outputs: string[] = [];
  const env = { RUNPOD_API_KEY: '', AUTOPOD_DEBUG: '1' };
  const cli = join(import.meta.dirname, '..', '..', 'dist', 'cli.js');
  const set = spawnSync(process.execPath, [cli, 'config', 'set', 'api_key', '-'], {
    env: { ...world.env, ...env },
    input: `${KEY}\n`,
    encoding: 'utf8',
  });
  expect(set.status, set.stderr).toBe(0);
  outputs.push(set.stdout, set.stderr);
  expect(readFileSync(join(world.home, 'config.json'), 'utf8')).toContain(KEY);
  for (const [args, more] of [
    [['up', '--local-port', 'auto', '--json-stream'], {}],
    [['ls'], {}],
    [['logs'], {}],
    [['config', 'show'], {}],
    [['config', 'set', 'api_key', KEY.slice(0, 6)], {}],
    [['config', 'init'], {}],
    [['doctor'], {}],
    [['info', 'nobody'], {}],
    [['ls'], { AUTOPOD_API_URL: 'http://127.0.0.1:1/v2' }],
    [['ls'], { AUTOPOD_API_URL: 'nonsense' }],
    [['kill', '--yes'], {}],
  ] as const) {
    const { stdout, stderr } = await world.autopod([...args], { ...env, ...more });
    outputs.push(stdout, stderr);
  }
  for (const text of [...outputs, ...world.processes().map(commandLine)]) expect(text).not.toContain(KEY);
  for (const path of filesIn(world.home).filter((one) => !one.endsWith('config.json')))
    expect(readFileSync(path, 'utf8'), path).not.toContain(KEY);
});

it.runIf(HAS_SCRIPT)(
  'a key typed into config init on a terminal is never shown, and is in config.json and nowhere else',
  async () => {
    const config = join(world.home, 'config.json');
    const sshKey = join(world.home, 'id_test');
    writeFileSync(config, JSON.stringify({ providers: { runpod: { ssh_key_path: sshKey } } }), {
      mode: 0o600,
    });
    const screens: string[] = [];
    const wizard = async (answers: [RegExp, string][], more: NodeJS.ProcessEnv = {}) => {
      const env = { RUNPOD_API_KEY: '', AUTOPOD_DEBUG: '1', ...more };
      const init = onTerminal(world, ['config', 'init'], { env });
      for (const [words, keys] of answers) await init.when(words, keys);
      const { code, screen } = await init.ended;
      screens.push(screen);
      return code;
    };
    const rest: [RegExp, string][] = [
      [/SSH key for the pods/, '\r'],
      [/GPUs to rent/, ' \r'],
      [/Network volume/, '\r'],
    ];

    const nearly: [RegExp, string][] = [
      [/RunPod API key/, `${KEY.slice(0, -1)}\r`],
      [/RunPod refused the API key/, '\u0003'],
    ];
    expect(await wizard(nearly)).toBe(130);
    const away: [RegExp, string][] = [
      [/RunPod API key/, `${KEY}\r`],
      [/cannot be reached/, '\u0003'],
    ];
    expect(await wizard(away, { AUTOPOD_API_URL: 'http://127.0.0.1:1/v2' })).toBe(130);
    expect(await wizard([[/RunPod API key/, `${KEY}\r`], ...rest, [/Write this into/, 'n']])).toBe(1);
    expect(filesIn(world.home).filter((path) => readFileSync(path, 'utf8').includes(KEY))).toEqual([]);
    expect(await wizard([[/RunPod API key/, `${KEY}\r`], ...rest, [/Write this into/, 'y']])).toBe(0);
    expect(await wizard([[/Keep the current API key/, 'y'], ...rest, [/Write this into/, 'y']])).toBe(0);

    expect(screens).toHaveLength(5);
    for (const screen of screens) expect(screen).not.toContain(KEY.slice(0, -1));
    expect(filesIn(world.home).filter((path) => readFileSync(path, 'utf8').includes(KEY))).toEqual([config]);
    expect(JSON.parse(readFileSync(config, 'utf8')).providers.runpod).toMatchObject({ ssh_key_path: sshKey });
    expect(statSync(config).mode & 0o077).toBe(0);
  },
);

it('every file and folder it made is closed to other users', async () => {
  const made = [world.home, ...filesIn(world.home)].filter((path) => !/id_test|config\.json$/.test(path));
  const open = made.filter((path) => (statSync(path).mode & 0o077) !== 0);
  expect(made.length).toBeGreaterThan(3);
  expect(open).toEqual([]);
});

function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesIn(path) : entry.isFile() ? [path] : [];
  });
}
