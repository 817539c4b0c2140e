import { chmod, stat, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { execa } from 'execa';
import { AutopodError } from '../errors.ts';
import { tryLock } from '../store/lock.ts';
import { alreadyServed } from './handover.ts';
import { type FleetHome, openFleetHome } from './home.ts';
import { serveLock } from './standing.ts';

/** What is made again by itself, or is about processes of this machine. */
const LEFT_OUT = [
  'fleet/locks',
  'fleet/run',
  'fleet/logs',
  'fleet/workers',
  'fleet/handover.json',
  'fleet/restate/server.json',
  'fleet/restate/restate.log',
];

/** Keeps all of a fleet that is not served in one file, 0600; the answer is its size in bytes. Throws `lockBusy`. */
export async function backUp(user: { root: string }, file: string, signal: AbortSignal): Promise<number> {
  const home: FleetHome = openFleetHome(user);
  const lock = await tryLock(serveLock(home));
  if (!lock) throw await alreadyServed(home);
  try {
    const path = resolve(file);
    // It has the digests of tokens and two private keys in it.
    await writeFile(path, '', { mode: 0o600 }).then(() => chmod(path, 0o600), unwritable(file));
    const excluded = [...LEFT_OUT, '*.sock'].map((name) => `--exclude=${name}`);
    await execa('tar', ['-czf', path, '-C', user.root, ...excluded, 'fleet'], {
      cancelSignal: signal,
      env: { LC_ALL: 'C' },
    }).catch((error: { stderr?: string; shortMessage?: string }) => {
      signal.throwIfAborted();
      return unwritable(file)(new Error(error.stderr?.trim().split('\n')[0] || error.shortMessage));
    });
    return (await stat(path)).size;
  } finally {
    await lock.release();
  }
}

function unwritable(file: string): (error: Error) => never {
  return ({ message }) => {
    throw new AutopodError('usage', { message: `${file} could not be written.`, next: message });
  };
}
