import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadConfig } from '../../src/services/config.ts';
import { inProcess } from '../support/shell.ts';
import { tempHome } from '../support/temp-home.ts';

const cli = join(import.meta.dirname, '..', '..', 'dist', 'cli.js');
const CONFIG = JSON.stringify({ defaults: { gpu_count: 2 } });

it.each([
  ['UTF-8', Buffer.from(CONFIG)],
  ['UTF-8 with a mark', Buffer.concat([Buffer.from('efbbbf', 'hex'), Buffer.from(CONFIG)])],
  ['UTF-16 of Windows', Buffer.concat([Buffer.from('fffe', 'hex'), Buffer.from(CONFIG, 'utf16le')])],
  [
    'UTF-16 the other way round',
    Buffer.concat([Buffer.from('feff', 'hex'), Buffer.from(CONFIG, 'utf16le').swap16()]),
  ],
])('config.json in %s is read, and a setting is changed in it', async (_, bytes) => {
  const { root, config } = tempHome();
  writeFileSync(config, bytes, { mode: 0o600 });
  expect(await loadConfig(config, { HOME: root })).toMatchObject({ gpuCount: 2 });
  const env = { PATH: process.env.PATH, HOME: root, AUTOPOD_HOME: root };
  expect((await inProcess({ env }, ['config', 'set', 'default_template', 'x/y:z'])).code).toBe(0);
  expect(JSON.parse(readFileSync(config, 'utf8'))).toMatchObject({ defaults: { gpu_count: 2 } });
});

it.each([
  ['plain', 'apikey = "rpa_1"\n'],
  ['with a section', '[default]\napikey = "rpa_1"\n'],
  ['with the line ends of Windows', '[default]\r\napikey = "rpa_1"\r\napiurl = "https://x"\r\n'],
  ['with other quotes and letters', "  apiKey='rpa_1'\n"],
])("runpodctl's config.toml, %s, has the key", async (_, text) => {
  const { root, config } = tempHome();
  mkdirSync(join(root, '.runpod'));
  writeFileSync(join(root, '.runpod', 'config.toml'), text);
  expect((await loadConfig(config, { HOME: root })).apiKey).toBe('rpa_1');
});

it.runIf(process.getuid?.() !== 0 || hasSetpriv())(
  'a ~/.ssh/config that cannot be written: the line to paste is told',
  () => {
    const { root } = tempHome();
    mkdirSync(join(root, '.ssh'));
    writeFileSync(join(root, '.ssh', 'config'), 'Host other\n');
    execFileSync('chown', ['-R', '4712:4712', root]);
    chmodSync(join(root, '.ssh'), 0o500);
    const env = { PATH: process.env.PATH, HOME: root, AUTOPOD_HOME: root };
    const as = ['--reuid', '4712', '--regid', '4712', '--clear-groups'];
    const { status, stderr } = spawnSync(
      'setpriv',
      [...as, process.execPath, cli, 'ssh-config', '--install'],
      {
        env,
        encoding: 'utf8',
      },
    );
    expect([status, stderr]).toEqual([
      1,
      expect.stringContaining(`yourself: Include "${join(root, 'ssh_config')}"`),
    ]);
    expect(readFileSync(join(root, '.ssh', 'config'), 'utf8')).toBe('Host other\n');
  },
);

it('a Node that is too old is told in one line', () => {
  const older = "Object.defineProperty(process.versions, 'node', { value: '18.20.4' })";
  const options = ['--import', `data:text/javascript,${encodeURIComponent(older)}`];
  const { status, stdout, stderr } = spawnSync(process.execPath, [...options, cli, 'ls'], {
    encoding: 'utf8',
  });
  expect([status, stdout, stderr]).toEqual([
    1,
    '',
    'autopod: It needs Node 20.19 or later; this is 18.20.4.\n',
  ]);
});

function hasSetpriv(): boolean {
  return spawnSync('setpriv', ['--version']).status === 0;
}
