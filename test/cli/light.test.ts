import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { chartOf } from '../../src/inspector/chart.ts';
import { jobMachine } from '../../src/machines/job.ts';
import { podMachine } from '../../src/machines/pod.ts';
import { tunnelMachine } from '../../src/machines/tunnel.ts';

const cli = join(import.meta.dirname, '..', '..', 'dist', 'cli.js');
const HEAVY = ['got', 'execa', 'xstate', 'ssh2', 'zod', 'lowdb', 'elkjs', '@clack', '@aws-sdk'];

/** Which libraries a command's run has loaded, by the coverage V8 keeps of every script. */
function librariesOf(argv: string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'ap-light-'));
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    AUTOPOD_HOME: join(folder, 'h'),
    NODE_V8_COVERAGE: folder,
  };
  spawnSync(process.execPath, [cli, ...argv], { env, stdio: 'ignore' });
  const urls = readdirSync(folder)
    .filter((name) => name.startsWith('coverage'))
    .flatMap((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')).result as { url: string }[])
    .map(({ url }) => url)
    .filter((url) => url.startsWith('file:'));
  rmSync(folder, { recursive: true });
  const sources = urls.map((url) => readFileSync(fileURLToPath(url), 'utf8')).join('');
  expect(urls.length).toBeGreaterThan(0);
  return HEAVY.filter(
    (name) => sources.includes(`// node_modules/${name}/`) || urls.join().includes(`/${name}/`),
  );
}

it('is a program of its own, as npm installs it', () => {
  const { status, stdout } = spawnSync(cli, ['--version'], { encoding: 'utf8' });
  expect([status, stdout]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/)]);
});

it.each([
  [['--version']],
  [['--help']],
  [['tunnel', '--status']],
  [['tunnel', 'list']],
  [['config', 'path']],
  [['ssh-config']],
  [['history']],
  [['history', 'somepod', '--json']],
  [['history', '--tail', '3']],
  [['help', 'money']],
  [['help', 'states']],
  [['help', 'up']],
  [['help', 'nonsense']],
  [['up', '--help']],
  [['up', '--gpu']],
  [['logs', '--tail', 'x']],
  [['__complete', '--', 'up', '']],
  [['completion', 'bash']],
])('%j loads no heavy library', (argv) => {
  expect(librariesOf(argv)).toEqual([]);
});

it('help states has the words of the machines themselves', () => {
  const { stdout } = spawnSync(process.execPath, [cli, 'help', 'states'], { encoding: 'utf8' });
  const lines = stdout.split('\n').map((line) => line.trim().replace(/ {2,}/, ': '));
  for (const machine of [podMachine, tunnelMachine, jobMachine]) {
    for (const { id, description } of chartOf(machine).states)
      expect(lines).toContain(`${id}: ${description}`);
  }
});

it('a command that asks RunPod does load one, so that this test can fail', () => {
  expect(librariesOf(['doctor'])).toContain('execa');
});
