import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';

const project = join(import.meta.dirname, '..', '..');

/** Whether commands can be run as another user here. */
export const canChangeUser =
  spawnSync('setpriv', ['--reuid', '65534', '--regid', '65534', '--clear-groups', 'true']).status === 0;

/** The bundle in a folder of its own, as an installation: it may be read by everybody, changed and removed. */
export function installed(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ap-installed-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  chmodSync(folder, 0o755);
  for (const name of ['dist', 'package.json'])
    cpSync(join(project, name), join(folder, name), { recursive: true });
  symlinkSync(join(project, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

/** Gives a folder and all in it to a user. */
export function giveTo(uid: number, folder: string): void {
  spawnSync('chown', ['-R', `${uid}:${uid}`, folder]);
}

/** Runs the installed command line as a user, to its end. */
export async function autopodAs(uid: number, folder: string, args: string[], env: NodeJS.ProcessEnv) {
  const who = ['--reuid', String(uid), '--regid', String(uid), '--clear-groups'];
  const child = spawn('setpriv', [...who, process.execPath, join(folder, 'dist', 'cli.js'), ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { code: code as number, stdout, stderr };
}
