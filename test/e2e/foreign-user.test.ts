import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { canUnshare } from '../support/namespaces.ts';
import { autopodAs, canChangeUser, giveTo, installed } from '../support/other-user.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

const NOBODY = 65_534;
const NAMELESS = 4_711;

let world: TestWorld;
afterEach(() => world.end());

const runAs = (uid: number, folder: string, args: string[], env = world.env) =>
  autopodAs(uid, folder, args, env);

describe.skipIf(!canChangeUser)('a home in which a command was run with sudo', () => {
  it.each([
    ['all of it', (home: string) => giveTo(0, home)],
    ['a single file', (home: string) => chownSync(join(home, 'pods.json'), 0, 0)],
    ['a claim of a lock', (home: string) => giveTo(0, join(home, 'locks', 'pods.json'))],
  ])('%s: every command names owner and chown, and does nothing', async (_, takeAway) => {
    world = await startWorld();
    const folder = installed();
    giveTo(NOBODY, world.home);
    expect((await runAs(NOBODY, folder, ['ls'])).code).toBe(0);
    writeFileSync(join(world.home, 'pods.json'), '{"schema":1,"records":{}}', { mode: 0o600 });
    const lock = join(world.home, 'locks', 'pods.json');
    mkdirSync(lock);
    writeFileSync(join(lock, '1'), '{"holder":null}', { mode: 0o600 });
    giveTo(NOBODY, world.home);
    takeAway(world.home);
    const commands = [
      'up',
      'ls',
      'tunnel --status',
      'tunnel list',
      'tunnel',
      'history',
      'stop',
      'kill --yes',
    ];
    for (const command of commands) {
      const run = await runAs(NOBODY, folder, command.split(' '));
      expect([command, run.code, run.stderr]).toEqual([
        command,
        1,
        expect.stringMatching(/belongs to root[\s\S]*sudo chown -R 65534:65534 \S+, then repeat/),
      ]);
    }
    const told = await runAs(NOBODY, folder, ['ls', '--json']);
    expect(JSON.parse(told.stdout).error.code).toBe('homeNotOwned');
    const doctor = await runAs(NOBODY, folder, ['doctor']);
    expect([doctor.code, doctor.stdout]).toEqual([1, expect.stringContaining('sudo chown -R')]);
    expect(await world.podIds()).toEqual([]);
  });

  it('a file of another user that is open to us is none in the way', async () => {
    world = await startWorld();
    const folder = installed();
    giveTo(NOBODY, world.home);
    const config = join(world.home, 'config.json');
    chownSync(config, 0, NOBODY);
    chmodSync(config, 0o640);
    const run = await runAs(NOBODY, folder, ['ls']);
    expect(run.code, run.stderr).toBe(0);
  });
});

describe.skipIf(!canUnshare)('a home on a read-only file system', () => {
  it('is told as that', async () => {
    world = await startWorld();
    const mount = `mount --bind '${world.home}' '${world.home}' && mount -o remount,ro,bind '${world.home}' && exec "$@"`;
    const cli = join(import.meta.dirname, '..', '..', 'dist', 'cli.js');
    const child = spawn('unshare', ['--mount', '--', 'sh', '-c', mount, 'sh', process.execPath, cli, 'ls'], {
      env: world.env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    const [code] = await once(child, 'close');
    expect([code, stderr]).toEqual([1, expect.stringContaining('mounted read-only')]);
  });
});

describe.skipIf(!canChangeUser)('a user id without an entry in the list of users', () => {
  it('is told as what it is by up and doctor; nothing is bought, and no keeper is promised', async () => {
    world = await startWorld();
    const folder = installed();
    giveTo(NAMELESS, world.home);
    const up = await runAs(NAMELESS, folder, ['up', '--local-port', 'auto', '--stop-after', '1h']);
    expect([up.code, up.stderr]).toEqual([
      1,
      expect.stringMatching(/No user exists for uid 4711[\s\S]*passwd/),
    ]);
    expect(up.stderr).not.toMatch(/will be stopped at/);
    expect(await world.podIds()).toEqual([]);
    const told = await runAs(NAMELESS, folder, ['up', '--json']);
    expect(JSON.parse(told.stdout).error.code).toBe('userUnknown');
    const doctor = await runAs(NAMELESS, folder, ['doctor']);
    expect([doctor.code, doctor.stdout]).toEqual([1, expect.stringMatching(/BAD +ssh .*4711/)]);
    expect(doctor.stdout).not.toMatch(/not a private|not installed/);
    expect((await runAs(NAMELESS, folder, ['ls'])).code).toBe(0);
  });

  it('without HOME is asked for AUTOPOD_HOME, and with it everything that needs no ssh works', async () => {
    world = await startWorld();
    const folder = installed();
    giveTo(NAMELESS, world.home);
    const { HOME: _, AUTOPOD_HOME: home, ...env } = world.env;
    for (const command of [['ls'], ['up'], ['history'], ['tunnel', '--status'], ['config', 'path']]) {
      const run = await runAs(NAMELESS, folder, command, env);
      expect([command, run.code, run.stderr]).toEqual([
        command,
        2,
        expect.stringMatching(/HOME is not set[\s\S]*AUTOPOD_HOME/),
      ]);
    }
    const told = await runAs(NAMELESS, folder, ['ls', '--json'], env);
    expect(JSON.parse(told.stdout).error.code).toBe('homelessUser');
    const run = await runAs(NAMELESS, folder, ['ls'], { ...env, AUTOPOD_HOME: home });
    expect(run.code, run.stderr).toBe(0);
  });
});
