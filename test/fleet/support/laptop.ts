import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../support/free-port.ts';
import type { Run, TestWorld } from '../../support/world.ts';
import type { TestFleet } from './fleet.ts';

/** A member's own machine: a home of its own, an ssh key, and no key of RunPod's. */
export interface Laptop {
  name: string;
  home: string;
  autopod: (...args: string[]) => Promise<Run>;
  start: (...args: string[]) => ReturnType<TestWorld['start']>;
}

/** One that is logged in. */
export async function laptopOf(fleet: TestFleet, name: string, role = 'member'): Promise<Laptop> {
  const home = join(fleet.home, name);
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
  const start = (...args: string[]) => fleet.start(args, env);
  const laptop = { name, home, start, autopod: (...args: string[]) => start(...args).ended };
  const invited = await fleet.autopod(['serve', 'invite', name, '--role', role, '--json']);
  const run = await laptop.autopod('login', JSON.parse(invited.stdout).url);
  if (run.code !== 0) throw new Error(run.stderr);
  return laptop;
}
