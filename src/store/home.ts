import { chmodSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where autopod keeps its files: one folder, 0700, every file in it 0600. */
export interface Home {
  readonly root: string;
  readonly config: string;
  readonly pods: string;
  readonly tunnels: string;
  readonly journal: string;
  readonly knownHosts: string;
  readonly locks: string;
  readonly log: string;
  /** Blocks of ssh's configuration, one for each pod with a tunnel. */
  readonly sshConfig: string;
  /** Names of GPUs as last seen in the catalogue, for shell completion. */
  readonly gpuNames: string;
  /** Where the inspector that was started last can be reached. */
  readonly inspector: string;
}

/** `AUTOPOD_HOME`, by default `~/.autopod`. */
export function homePath(env: NodeJS.ProcessEnv = process.env): string {
  return env.AUTOPOD_HOME || join(homedir(), '.autopod');
}

/** Names the files of a home without touching the disk. */
export function describeHome(root: string): Home {
  return {
    root,
    config: join(root, 'config.json'),
    pods: join(root, 'pods.json'),
    tunnels: join(root, 'tunnels.json'),
    journal: join(root, 'journal.jsonl'),
    knownHosts: join(root, 'known_hosts'),
    locks: join(root, 'locks'),
    log: join(root, 'logs', 'autopod.log'),
    sshConfig: join(root, 'ssh_config'),
    gpuNames: join(root, 'gpu-names.json'),
    inspector: join(root, 'inspector.json'),
  };
}

/** Makes the folders of a home, closed to other users, and names its files. */
export function openHome(root: string): Home {
  const home = describeHome(root);
  for (const folder of [root, home.knownHosts, home.locks, join(root, 'logs')]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }
  chmodSync(root, 0o700);
  return home;
}
