import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describeHome, type Home, openHome } from '../store/home.ts';

/** Where a fleet's server keeps its files: a home of its own within the user's, so that no local command takes its pods. */
export interface FleetHome extends Home {
  /** Who may do what: digests of their tokens, never a token. */
  readonly people: string;
  /** Public keys that members have or had. */
  readonly knownKeys: string;
  /** What they may spend, and when pods are stopped by themselves. */
  readonly policy: string;
  /** Whose each pod is or was. */
  readonly owners: string;
  /** Where files of jobs are kept, and how long. */
  readonly storage: string;
  /** What of that cannot be done now. */
  readonly storageTrouble: string;
  /** What jobs have made, until it lies elsewhere. */
  readonly outputs: string;
  /** What members have sent, by its SHA-256. */
  readonly contents: string;
  /** What the server was started with. */
  readonly serving: string;
  /** A file for each worker that may have calls under way. */
  readonly workers: string;
  /** Who would take over. */
  readonly handover: string;
  /** Of Restate's server: its data, its sockets, its log. */
  readonly engine: string;
  /** The private key with which it signs its calls to the worker. */
  readonly identity: string;
  /** The server's own ssh key, with which it proves that ComfyUI answers. */
  readonly sshKey: string;
}

/** The folder into which `autopod serve --install` has npm put Restate's server. */
export function engineFolder({ root }: Pick<Home, 'root'>): string {
  return join(root, 'engine');
}

/** Names the files of a fleet without touching the disk. */
export function describeFleet({ root: user }: Pick<Home, 'root'>): FleetHome {
  const root = join(user, 'fleet');
  return {
    ...describeHome(root),
    // Not where the server's own keeper looks for jobs of its home.
    jobs: join(root, 'queue'),
    people: join(root, 'people.json'),
    knownKeys: join(root, 'known-keys'),
    policy: join(root, 'policy.json'),
    owners: join(root, 'owners.jsonl'),
    storage: join(root, 'storage.json'),
    storageTrouble: join(root, 'storage-trouble.json'),
    outputs: join(root, 'outputs'),
    contents: join(root, 'contents'),
    serving: join(root, 'serving.json'),
    workers: join(root, 'workers'),
    handover: join(root, 'handover.json'),
    engine: join(root, 'restate'),
    identity: join(root, 'identity.pem'),
    sshKey: join(root, 'ssh', 'id_ed25519'),
  };
}

/** Makes the folders, closed to other users, and names the files. */
export function openFleetHome(user: Pick<Home, 'root'>): FleetHome {
  const home = describeFleet(user);
  openHome(home.root);
  return home;
}

/** Makes the server's own ssh key, without passphrase, where there is none. */
export function ensureSshKey({ root, sshKey }: FleetHome): string {
  if (existsSync(sshKey)) return sshKey;
  mkdirSync(join(root, 'ssh'), { recursive: true, mode: 0o700 });
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'autopod fleet', '-f', sshKey]);
  return sshKey;
}
