import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { signal } from '../support/processes.ts';
import { sample } from '../support/sample.ts';
import { statusAt } from '../support/status-at.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
afterEach(() => world.end());

it.each(
  sample(4, [
    ['quotes, a backslash, a number sign and a dollar', 'ap"my"\\ #1 $HOME '],
    ['an apostrophe', "ap-o'neill "],
    ['a colon', 'ap:8188:'],
    ['a path too long for a Unix socket', `ap-${'long'.repeat(30)}-`],
    ['spaces and percent signs', 'ap my %h %% home '],
    ['what a shell takes for a pattern', 'ap[1]*? '],
  ]),
)('a home with %s: up, ssh, ssh-config and a killed ssh all work', async (_, prefix) => {
  world = await startWorld({}, 'sim-key', prefix);
  const up = await world.autopod(['up', '--local-port', 'auto']);
  expect(up.code, up.stderr).toBe(0);
  expect((await world.autopod(['ssh', '-c', 'exit 5'])).code).toBe(5);
  const settings = execFileSync('ssh', ['-F', join(world.home, 'ssh_config'), '-G', 'autopod'], {
    encoding: 'utf8',
  });
  expect(settings).toMatch(/^user root$/m);
  // In the user's own configuration it must not stand in the way of any other host.
  const installed = await world.autopod(['ssh-config', '--install']);
  expect(installed.code, installed.stderr).toBe(0);
  const own = join(world.home, '.ssh', 'config');
  expect(execFileSync('ssh', ['-F', own, '-G', 'elsewhere'], { encoding: 'utf8' })).toMatch(/^host /m);
  expect(execFileSync('ssh', ['-F', own, '-G', 'autopod'], { encoding: 'utf8' })).toMatch(/^user root$/m);
  const { sshPid, localPort } = JSON.parse((await world.autopod(['tunnel', '--json'])).stdout);
  expect(signal(sshPid, 'SIGKILL')).toBe(1);
  expect(await statusAt(localPort)).toBe(200);
});

it.runIf(canForbidFiles())('a home whose folder takes no sockets has them elsewhere', async () => {
  world = await startWorld();
  const run = join(world.home, 'run');
  mkdirSync(run, { mode: 0o700 });
  execFileSync('chattr', ['+i', run]);
  try {
    const up = await world.autopod(['up', '--local-port', 'auto']);
    expect(up.code, up.stderr).toBe(0);
    expect((await world.autopod(['ssh', '-c', 'exit 5'])).code).toBe(5);
    const { controlPath, localPort } = JSON.parse((await world.autopod(['tunnel', '--json'])).stdout);
    expect(controlPath).toMatch(/^\/tmp\/autopod-/);
    expect(await statusAt(localPort)).toBe(200);
  } finally {
    execFileSync('chattr', ['-i', run]);
  }
});

it('a home named from where one stands works, and its ssh configuration from anywhere', async () => {
  world = await startWorld();
  const env = { AUTOPOD_HOME: relative(process.cwd(), world.home) };
  const up = await world.autopod(['up', '--local-port', 'auto'], env);
  expect(up.code, up.stderr).toBe(0);
  const config = join(world.home, 'ssh_config');
  const settings = execFileSync('ssh', ['-F', config, '-G', 'autopod'], { cwd: '/', encoding: 'utf8' });
  expect(settings).toContain(`userknownhostsfile ${join(world.home, 'known_hosts')}`);
});

it.each([[`\${HOME}`], ['two\nlines']])(
  'a home with %j is refused before anything is asked',
  async (name) => {
    world = await startWorld();
    const run = await world.autopod(['up'], { AUTOPOD_HOME: join(world.home, name) });
    expect([run.code, run.stderr]).toEqual([2, expect.stringContaining('AUTOPOD_HOME')]);
    expect(await world.podIds()).toEqual([]);
  },
);

/** Whether a folder can be made here in which even root makes no file, as on a file system without sockets. */
function canForbidFiles(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'ap-fixed-'));
  try {
    execFileSync('chattr', ['+i', folder], { stdio: 'ignore' });
    execFileSync('chattr', ['-i', folder], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
