import { execFile, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { until } from '../support/until.ts';

const PROGRAM = join(import.meta.dirname, '../../src/guard/guard.sh');

/** What `sh` may be in a pod: its program, and what that takes to be one. */
export type Shell = readonly [string, ...string[]];
export const DASH: Shell = ['dash'];
export const BASH: Shell = ['bash', '--posix'];
export const BUSYBOX: Shell = ['busybox', 'sh'];

export function isThere([program]: Shell): boolean {
  return found(program) !== '';
}

export type Orders = Record<string, string | number>;

/** A guard in a folder of its own, with a clock, sessions and a container log that the test makes. */
export interface GuardedPod {
  folder: string;
  /** What the container's log has. */
  readonly log: string;
  /** Moves the clock that nobody sets. */
  pass(seconds: number): void;
  /** Has the pod armed with these; the answer is what it reports. */
  arm(orders: Orders): Promise<Record<string, string>>;
  verb(...args: string[]): Promise<Record<string, string>>;
  readonly state: string | undefined;
  status(): Record<string, string>;
  /** A process of the pod, as /proc shows it. */
  process(pid: number, comm: string, cmdline: string): void;
  kill(): void;
  /** Ends what runs in it, and leaves nothing. */
  end(): void;
}

export function guardedPod(
  shell: Shell,
  {
    id,
    key,
    path = process.env.PATH ?? '',
    on = tmpdir(),
    pageSeconds,
  }: { id: string; key: string; path?: string; on?: string; pageSeconds?: string },
): GuardedPod {
  const folder = mkdtempSync(join(on, 'guard-'));
  const proc = join(folder, 'proc');
  mkdirSync(join(proc, '1/fd'), { recursive: true });
  writeFileSync(join(proc, '1/environ'), `A=1\0RUNPOD_POD_ID=${id}\0${key && `RUNPOD_API_KEY=${key}\0`}`);
  writeFileSync(join(proc, '1/fd/1'), '');
  symlinkSync('/proc/self/net', join(proc, 'net'));
  copyFileSync(PROGRAM, join(folder, 'guard.sh'));
  let uptime = 100_000;
  const pass = (seconds: number) => {
    uptime += seconds;
    writeFileSync(join(proc, 'uptime.new'), `${uptime}.25 1.0\n`);
    renameSync(join(proc, 'uptime.new'), join(proc, 'uptime'));
  };
  pass(0);
  const [program, ...first] = shell;
  // The program starts itself anew by this name.
  const named = join(folder, 'shell');
  mkdirSync(named);
  writeFileSync(join(named, 'sh'), `#!/bin/sh\nexec ${found(program)} ${first.join(' ')} "$@"\n`, {
    mode: 0o755,
  });
  const run = async (...args: string[]) => {
    const { stdout } = await promisify(execFile)(program, [...first, join(folder, 'guard.sh'), ...args], {
      // As over ssh: nothing of the container's own.
      env: {
        PATH: `${named}:${path}`,
        AUTOPOD_GUARD_PROC: proc,
        AUTOPOD_GUARD_CPU: '/dev/null',
        AUTOPOD_GUARD_TICK: '0.1',
        ...(pageSeconds && { AUTOPOD_GUARD_PAGE: pageSeconds }),
      },
      timeout: 120_000,
    });
    return parse(stdout);
  };
  const kill = () => {
    if (!existsSync(join(folder, 'pid'))) return;
    const pid = Number(readFileSync(join(folder, 'pid'), 'utf8').split(' ')[0]);
    // It leads a session of its own, where whatever it started is as well.
    for (const one of [-pid, pid])
      try {
        process.kill(one, 'SIGKILL');
      } catch {
        // it has ended by itself
      }
  };
  const end = () => {
    kill();
    rmSync(folder, { recursive: true, force: true });
  };
  const status = () => {
    const file = join(folder, 'status');
    return existsSync(file) ? parse(readFileSync(file, 'utf8')) : {};
  };
  return {
    folder,
    pass,
    kill,
    end,
    status,
    verb: run,
    get state() {
      return status().state;
    },
    get log() {
      return readFileSync(join(proc, '1/fd/1'), 'utf8');
    },
    arm(orders) {
      const file = join(folder, 'orders.new');
      const all = { seq: 1, now: 1_800_000_000, ...QUICK, ...orders };
      const lines = Object.entries(all).map(([name, value]) => `${name}=${value}\n`);
      writeFileSync(file, `${lines.join('')}end\n`);
      return run('arm', file);
    },
    process(pid, comm, cmdline) {
      mkdirSync(join(proc, String(pid)), { recursive: true });
      writeFileSync(join(proc, String(pid), 'comm'), `${comm}\n`);
      writeFileSync(join(proc, String(pid), 'cmdline'), cmdline.replaceAll(' ', '\0'));
    },
  };
}

/** Looks each second, and takes what this machine computes and sends for nothing. */
const QUICK = { tick: 1, look: 1, cpu: 1e9, net: 1e12, gpu: 1000, pause: 2, port: 1, program: 'p1' };

function parse(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split('\n').flatMap((line) => {
      const at = line.indexOf('=');
      return at > 0 ? [[line.slice(0, at), line.slice(at + 1)]] : [];
    }),
  );
}

export async function reaches(pod: GuardedPod, state: string): Promise<void> {
  await until(`the guard is ${state}: ${JSON.stringify(pod.status())}`, () => pod.state === state);
}

/** A PATH on which nothing is but what the program needs, and what is named. */
export function pathWith(folder: string, ...tools: string[]): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  for (const name of [...NEEDED, ...tools]) {
    const [program = '', as] = name === 'busybox wget' ? ['busybox', 'wget'] : [name];
    // Of Python a version manager's own word stands on the PATH.
    const path = program === 'python3' ? pythonItself() : found(program);
    if (path) symlinkSync(path, join(bin, as ?? name));
  }
  return bin;
}

const NEEDED =
  'cat mv rm tr sed head tail grep sort sleep mkdir setsid timeout date sh dash bash busybox'.split(' ');

function found(name: string): string {
  return spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim();
}

function pythonItself(): string {
  const asked = spawnSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' });
  return asked.stdout?.trim() ?? '';
}
