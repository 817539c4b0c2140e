import type { ChildProcess } from 'node:child_process';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../support/free-port.ts';
import type { Run } from '../../support/world.ts';
import type { TestFleet } from './fleet.ts';

/** A member's own machine: a home beside the server's, with an ssh key and without a key of RunPod's. */
export interface Laptop {
  name: string;
  home: string;
  /** File of its private ssh key. */
  key: string;
  autopod: (...args: string[]) => Promise<Run>;
  start: (...args: string[]) => { child: ChildProcess; ended: Promise<Run> };
}

/** One that knows of no fleet yet. */
export async function newLaptop(fleet: TestFleet, name: string): Promise<Laptop> {
  const home = join(fleet.home, `laptop-${name}`);
  mkdirSync(home);
  const key = join(home, 'id_laptop');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', key]);
  const config = {
    providers: { runpod: { ssh_key_path: key } },
    defaults: { gpu_preferences: ['RTX A40'] },
  };
  writeFileSync(join(home, 'config.json'), JSON.stringify(config));
  const env = {
    HOME: home,
    AUTOPOD_HOME: home,
    RUNPOD_API_KEY: '',
    AUTOPOD_API_URL: '',
    AUTOPOD_LOCAL_PORT: await freePort(),
  };
  return {
    name,
    home,
    key,
    autopod: (...args) => fleet.autopod(args, env),
    start: (...args) => fleet.start(args, env),
  };
}

/** Logs somebody in, who is invited by that. */
export async function laptopOf(fleet: TestFleet, name: string, role = 'member'): Promise<Laptop> {
  const laptop = await newLaptop(fleet, name);
  const invited = await fleet.autopod(['serve', 'invite', name, '--role', role, '--json']);
  const { code, stderr } = await laptop.autopod('login', JSON.parse(invited.stdout).url);
  if (code !== 0) throw new Error(stderr);
  return laptop;
}
