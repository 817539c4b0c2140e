import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** A process that can be told from a later one with the same pid, and from one that has this pid elsewhere. */
export interface ProcessIdentity {
  pid: number;
  /** Start time in the system's own notation, on Linux after the boot's id; only ever compared for equality. */
  startedAt: string;
  /** The pid namespace in which the pid counts (Linux). */
  namespace?: string | undefined;
  /** Name of the machine, or of the container. */
  host?: string | undefined;
  /** Name of the socket that is refused as soon as the process has ended; see presence.ts. */
  proof?: string | undefined;
}

/** Identity of a running process, as far as its pid tells; undefined when there is none, or it is dead and only waits to be reaped. */
export function identify(pid: number): ProcessIdentity | undefined {
  const startedAt = process.platform === 'linux' ? linuxStart(String(pid)) : psStart(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

/** Whether a process runs, or has ended; `unseen` when its pid means nothing here: another namespace, another machine. */
export function seenFromHere(identity: ProcessIdentity): 'running' | 'ended' | 'unseen' {
  const { namespace, host } = ownIdentity();
  const isHere =
    process.platform === 'linux'
      ? seesProcesses() &&
        // Claims of earlier versions tell no namespace.
        (identity.namespace ?? namespace) === namespace &&
        (identity.namespace === undefined || bootOf(identity) === bootOf(ownIdentity()))
      : (identity.host ?? host) === host;
  if (!isHere) return 'unseen';
  return identify(identity.pid)?.startedAt === identity.startedAt ? 'running' : 'ended';
}

/** Which boot of which kernel it belongs to; undefined where the system does not tell. */
export function bootOf({ startedAt }: ProcessIdentity): string | undefined {
  return /^([^/]+)\//.exec(startedAt)?.[1];
}

/** Whether a process of this machine is stopped, as by Ctrl-Z, and so does not move. */
export function isSuspended(identity: ProcessIdentity): boolean {
  if (seenFromHere(identity) !== 'running') return false;
  if (process.platform !== 'linux') return psLine(identity.pid, 'stat=').startsWith('T');
  return /^[Tt]$/.test(statFields(String(identity.pid))?.[0] ?? '');
}

let own: ProcessIdentity | undefined;

export function ownIdentity(): ProcessIdentity {
  own ??= {
    pid: process.pid,
    // By `self`, as a /proc of another namespace shows another process at our pid.
    startedAt: (process.platform === 'linux' ? linuxStart('self') : psStart(process.pid)) ?? 'unknown',
    namespace: target('/proc/self/ns/pid'),
    host: hostname(),
  };
  return own;
}

/** Whether /proc is there, and is that of our own namespace. */
function seesProcesses(): boolean {
  return target('/proc/self') === String(process.pid);
}

// The boot id makes a start time, which counts from boot, unique across reboots.
function linuxStart(pid: string): string | undefined {
  const fields = statFields(pid);
  if (!fields || fields[0] === 'Z' || fields[0] === 'X') return undefined;
  return `${readText('/proc/sys/kernel/random/boot_id')?.trim() ?? ''}/${fields[19] ?? ''}`;
}

// proc(5): the command may contain anything, so fields count from the last ')'. The first one is the state.
function statFields(pid: string): string[] | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function psStart(pid: number): string | undefined {
  const [stat, ...start] = psLine(pid, 'stat=,lstart=').split(/\s+/);
  return !stat || stat.startsWith('Z') ? undefined : start.join(' ');
}

function psLine(pid: number, columns: string): string {
  try {
    return execFileSync('ps', ['-o', columns, '-p', String(pid)], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' },
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return ''; // ps exits 1 when there is no such process
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // the process is gone
  }
}

function target(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch {
    return undefined;
  }
}
