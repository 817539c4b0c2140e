import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { AutopodError } from '../errors.ts';
import { userHome } from '../user.ts';
import { requireOwnHome } from './ownership.ts';

/** Where autopod keeps its files: one folder, 0700, every file in it 0600. */
export interface Home {
  readonly root: string;
  readonly config: string;
  readonly pods: string;
  readonly tunnels: string;
  /** A folder: a file a job, batches and what they are to run. */
  readonly jobs: string;
  readonly journal: string;
  /** Runs of pods that autopod ended, one JSON object a line. */
  readonly runs: string;
  readonly knownHosts: string;
  readonly locks: string;
  readonly log: string;
  /** Blocks of ssh's configuration, one for each pod with a tunnel. */
  readonly sshConfig: string;
  /** Names of GPUs as last seen in the catalogue, for shell completion. */
  readonly gpuNames: string;
  /** The account's volumes and RunPod's data centers as last seen, for the same. */
  readonly places: string;
  /** Where the inspector that was started last can be reached. */
  readonly inspector: string;
  /** There where the home's file system makes no Unix sockets. */
  readonly noSockets: string;
}

/** `AUTOPOD_HOME`, by default `~/.autopod`; whole, as ssh and the keeper have folders of their own. */
export function homePath(env: NodeJS.ProcessEnv = process.env): string {
  return env.AUTOPOD_HOME ? resolve(env.AUTOPOD_HOME) : join(userHome(env), '.autopod');
}

/** Names the files of a home without touching the disk. */
export function describeHome(root: string): Home {
  return {
    root,
    config: join(root, 'config.json'),
    pods: join(root, 'pods.json'),
    tunnels: join(root, 'tunnels.json'),
    jobs: join(root, 'jobs'),
    journal: join(root, 'journal.jsonl'),
    runs: join(root, 'runs.jsonl'),
    knownHosts: join(root, 'known_hosts'),
    locks: join(root, 'locks'),
    log: join(root, 'logs', 'autopod.log'),
    sshConfig: join(root, 'ssh_config'),
    gpuNames: join(root, 'gpu-names.json'),
    places: join(root, 'places.json'),
    inspector: join(root, 'inspector.json'),
    noSockets: join(root, 'no-sockets'),
  };
}

/** The lock that whoever moves a pod holds. */
export function leaseFolder({ locks }: Home, recordId: string): string {
  return join(locks, `pod-${recordId}`);
}

/** Makes the folders of a home, closed to other users, and names its files. Throws `stateUnreadable` or `homeNotOwned`. */
export function openHome(root: string): Home {
  // ssh is given files in it.
  if (/\$\{|[\n\r]/.test(root)) throw new AutopodError('sshPathUnusable', { path: root });
  requireOwnHome(root);
  try {
    return makeHome(root);
  } catch (error) {
    if (error instanceof AutopodError) throw error;
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw new AutopodError('stateUnreadable', { file: root, reason: WHY_NOT[code] ?? message });
  }
}

const WHY_NOT: Record<string, string> = {
  EEXIST: 'It is no folder.',
  ENOTDIR: 'It, or something on the way to it, is no folder.',
  ENOENT: 'No folder can be made there.',
  EACCES: 'You may not write there.',
  EPERM: 'You may not write there.',
  EROFS: 'Its file system is mounted read-only.',
};

function makeHome(root: string): Home {
  const home = describeHome(root);
  for (const folder of [root, home.knownHosts, home.locks, join(root, 'logs')]) {
    makeFolder(folder);
  }
  chmodSync(root, 0o700);
  return home;
}

/** Makes a folder, closed to other users. Node's own `recursive` never returns where one cannot be made for good, as under /proc. */
export function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && statSync(path).isDirectory()) return;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    makeFolder(dirname(path));
    mkdirSync(path, { mode: 0o700 });
  }
}
