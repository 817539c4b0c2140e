import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { TunnelWorld } from '../test/netns/tunnel-world.ts';
import { until } from '../test/support/until.ts';
import { answers } from './speed.ts';

/** One way to have the pod's ComfyUI at a local port. */
export interface Contender {
  name: string;
  port: number;
  answers(): Promise<boolean>;
  /** Process ids of the ssh in use. */
  sshPids(): Promise<number[]>;
  /** Those and the one that stands by, where there is one. */
  everySshPid(): Promise<number[]>;
  /** A fresh start after a fault it did not survive. */
  restart(): Promise<void>;
  end(): void;
}

export function autopodContender(net: TunnelWorld): Contender {
  return {
    name: 'autopod',
    port: net.port,
    answers: () => answers(net.port),
    sshPids: async () => [await until('the pid of ssh', async () => (await net.view()).sshPid)],
    everySshPid: async () => net.connections(),
    restart: () => Promise.reject(new Error('autopod did not heal')),
    end: () => undefined,
  };
}

interface SshOptions {
  options?: string[];
  /** autossh, whose ssh gives up after two unanswered keepalives so many seconds apart. */
  keepaliveSeconds?: number;
}

/** `ssh -L`, or autossh around it. */
export async function sshContender(
  net: TunnelWorld,
  name: string,
  { options = [], keepaliveSeconds }: SshOptions = {},
): Promise<Contender> {
  const port = await freePort();
  const isAutossh = keepaliveSeconds !== undefined;
  let child = start();
  function start(): ChildProcess {
    const forward = ['-N', '-L', `127.0.0.1:${port}:127.0.0.1:8188`, ...options, ...sshTo(net)];
    const alive = [`ServerAliveInterval=${keepaliveSeconds}`, 'ServerAliveCountMax=2', 'ConnectTimeout=4'];
    const kept = [...alive, 'ExitOnForwardFailure=yes'].flatMap((option) => ['-o', option]);
    return spawn(isAutossh ? 'autossh' : 'ssh', isAutossh ? ['-M', '0', ...kept, ...forward] : forward, {
      stdio: 'ignore',
      env: { ...process.env, AUTOSSH_GATETIME: '0', AUTOSSH_POLL: '5' },
    });
  }
  const sshPids = async () =>
    isAutossh ? childrenOf(child.pid ?? 0) : child.exitCode === null ? [child.pid ?? 0] : [];
  return {
    name,
    port,
    answers: () => answers(port),
    sshPids,
    everySshPid: sshPids,
    restart: async () => {
      child.kill('SIGTERM');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      child = start();
      await until(`${name} is back`, () => answers(port), 30_000);
    },
    end: () => void child.kill('SIGTERM'),
  };
}

/** Milliseconds from the start of an ssh to the first answer through its forward. */
export async function coldConnection(net: TunnelWorld): Promise<number> {
  const contender = await sshContender(net, 'ssh -L');
  const begun = performance.now();
  while (!(await contender.answers()));
  const ms = performance.now() - begun;
  contender.end();
  return ms;
}

function sshTo({ world, pod }: TunnelWorld): string[] {
  const options = [
    'BatchMode=yes',
    'IdentitiesOnly=yes',
    'StrictHostKeyChecking=no',
    'UserKnownHostsFile=/dev/null',
    'LogLevel=QUIET',
  ];
  return [
    '-F',
    'none',
    '-i',
    join(world.home, 'id_test'),
    ...options.flatMap((option) => ['-o', option]),
    '-p',
    String(pod.port),
    `root@${pod.host}`,
  ];
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => parentOf(pid) === parent);
}

function parentOf(pid: number): number {
  try {
    return Number(
      readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) . /, '')
        .split(' ')[0],
    );
  } catch {
    return 0; // it has ended meanwhile
  }
}
