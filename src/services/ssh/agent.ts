import { homedir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

/** An ssh agent that answers, and the public keys it holds. */
export interface Agent {
  socket: string;
  /** As in authorized_keys, one key each. */
  publicKeys: string[];
}

/** The agents ssh would ask: that of the terminal, else the one its configuration names. Those that do not answer are left out. */
export async function agents(env: NodeJS.ProcessEnv = process.env): Promise<Agent[]> {
  const sockets = [env.SSH_AUTH_SOCK, await configuredAgent(env)].filter((socket) => socket !== undefined);
  const found = await Promise.all([...new Set(sockets)].filter(Boolean).map(agentAt));
  return found.filter((agent) => agent !== undefined);
}

/** The agent at this socket; undefined when none answers. */
export async function agentAt(socket: string): Promise<Agent | undefined> {
  const { stdout, exitCode } = await execa('ssh-add', ['-L'], {
    reject: false,
    env: { SSH_AUTH_SOCK: socket },
  });
  // 1 is an agent without keys, 2 none at all.
  if (exitCode === 1) return { socket, publicKeys: [] };
  return exitCode === 0 ? { socket, publicKeys: stdout.split('\n') } : undefined;
}

export function holds({ publicKeys }: Agent, publicKey: string): boolean {
  const blob = publicKey.split(/\s+/)[1];
  return blob !== undefined && publicKeys.some((held) => held.split(/\s+/)[1] === blob);
}

/** `IdentityAgent` as the user's ssh configuration gives it for a host that is none in particular. */
async function configuredAgent(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const home = env.HOME || homedir();
  // ssh itself takes the home of the user's account, whatever HOME says.
  const value = (await identityAgent([])) ?? (await identityAgent(['-F', join(home, '.ssh', 'config')]));
  if (value?.startsWith('$')) return env[value.replace(/^\$\{?(\w+)\}?$/, '$1')];
  return value?.startsWith('~/') ? join(home, value.slice(2)) : value;
}

async function identityAgent(config: string[]): Promise<string | undefined> {
  const { stdout, exitCode } = await execa('ssh', [...config, '-G', 'autopod'], { reject: false });
  const value = exitCode === 0 ? /^identityagent (.+)$/m.exec(stdout)?.[1] : undefined;
  return value === 'none' || value === 'SSH_AUTH_SOCK' ? undefined : value?.replace(/^"(.*)"$/, '$1');
}
