import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AutopodError } from '../../errors.ts';
import { identify, type ProcessIdentity, seenFromHere } from '../../store/process-identity.ts';
import { askRestate, type Places } from './ask.ts';

/** One node, whatever the machine is called: under another name the server would begin an empty one. */
const NODE = 'autopod';

/** Longest path of a Unix socket, in bytes: macOS has the shortest. */
const MAX_SOCKET_PATH = 103;

const START_MS = 30_000;
const STOP_MS = 15_000;

export interface ServerOptions {
  /** Made where there is none, and closed to other users: whoever reaches the sockets in it may do all. */
  folder: string;
  binary: string;
  /** File with the private key that signs calls to workers. */
  identityPath: string;
  env: NodeJS.ProcessEnv;
}

export interface Server {
  readonly places: Places;
  readonly pid: number;
  /** Resolves when it has ended, for whatever reason. */
  readonly ended: Promise<void>;
  stop: () => Promise<void>;
}

/** The sockets of the server of a folder. Throws `usage` where their paths are too long. */
export function placesIn(folder: string): Places {
  const socket = (name: string) => join(folder, 'data', NODE, `${name}.sock`);
  const places = { ingress: { socket: socket('ingress') }, admin: { socket: socket('admin') } };
  if (Buffer.byteLength(places.ingress.socket) <= MAX_SOCKET_PATH) return places;
  throw new AutopodError('usage', {
    message: `${folder} is too long a path for the sockets of Restate's server.`,
    next: 'Set AUTOPOD_HOME to a shorter one.',
  });
}

/**
 * Starts Restate's server on Unix sockets alone. The caller holds a lock: a second server would replace the sockets of
 * the first before it fails. One that an earlier caller has left running is ended. Throws `engineUnreachable`.
 */
export async function startServer({ folder, binary, identityPath, env }: ServerOptions): Promise<Server> {
  const places = placesIn(folder);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  await endLeftBehind(folder);
  // It leaves what it has there.
  const temporary = join(folder, 'tmp');
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary);
  const logPath = join(folder, 'restate.log');
  const child = spawn(
    binary,
    ['--listen-mode', 'unix', '--base-dir', join(folder, 'data'), '--node-name', NODE, '--no-logo'],
    {
      env: { ...settings(identityPath), ...kept(env), TMPDIR: temporary },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const log = createWriteStream(logPath, { mode: 0o600 });
  for (const stream of [child.stdout, child.stderr]) stream.pipe(log, { end: false });
  const exited = once(child, 'exit');
  const ended = exited
    .then(
      () => log.end(),
      (error: Error) => log.end(`${error.message}\n`),
    )
    .then(() => undefined);
  const identity = child.pid === undefined ? undefined : identify(child.pid);
  if (identity) await writeFile(claimOf(folder), JSON.stringify(identity), { mode: 0o600 });
  await untilAnswering(places, child, logPath);
  const stop = async () => {
    await end(child, ended);
    await rm(claimOf(folder), { force: true });
  };
  return { places, pid: child.pid ?? 0, ended, stop };
}

function settings(identityPath: string): NodeJS.ProcessEnv {
  return {
    RESTATE_DISABLE_TELEMETRY: 'true',
    RESTATE_ROCKSDB_TOTAL_MEMORY_SIZE: '64 MB',
    RESTATE_DEFAULT_NUM_PARTITIONS: '1',
    RESTATE_LOG_FILTER: 'warn',
    RESTATE_LOG_FORMAT: 'compact',
    RESTATE_LOG_DISABLE_ANSI_CODES: 'true',
    // A call that was given up would leave a pod without anybody who looks after it.
    RESTATE_DEFAULT_RETRY_POLICY__MAX_ATTEMPTS: 'unlimited',
    RESTATE_REQUEST_IDENTITY_PRIVATE_KEY_PEM_FILE: identityPath,
  };
}

/** Of the caller's environment what programs need, and what is said to Restate itself. No key of an account. */
function kept(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const isKept = (name: string) => ['PATH', 'HOME', 'TMPDIR', 'TZ'].includes(name) || /^RESTATE_/.test(name);
  return Object.fromEntries(Object.entries(env).filter(([name]) => isKept(name)));
}

function claimOf(folder: string): string {
  return join(folder, 'server.json');
}

/** Ends a server that outlived whoever started it; one that cannot be told for sure is left alone. */
async function endLeftBehind(folder: string): Promise<void> {
  const text = await readFile(claimOf(folder), 'utf8').catch(() => undefined);
  if (text === undefined) return;
  const identity = parseIdentity(text);
  if (!identity || seenFromHere(identity) !== 'running') return;
  process.kill(identity.pid, 'SIGTERM');
  const givenUpAt = performance.now() + STOP_MS;
  while (seenFromHere(identity) === 'running') {
    if (performance.now() > givenUpAt) process.kill(identity.pid, 'SIGKILL');
    await sleep(20);
  }
}

function parseIdentity(text: string): ProcessIdentity | undefined {
  try {
    const value = JSON.parse(text) as Partial<ProcessIdentity>;
    return Number.isInteger(value.pid) && typeof value.startedAt === 'string'
      ? (value as ProcessIdentity)
      : undefined;
  } catch {
    return undefined;
  }
}

async function untilAnswering({ admin }: Places, child: ChildProcess, log: string): Promise<void> {
  const givenUpAt = performance.now() + START_MS;
  for (;;) {
    if (child.exitCode !== null || child.pid === undefined) {
      throw new AutopodError('engineUnreachable', { detail: "Restate's server has ended at once", log });
    }
    const answered = await askRestate(admin, 'health', { method: 'GET', timeoutMs: 2_000 }).then(
      () => true,
      () => false,
    );
    if (answered) return;
    if (performance.now() > givenUpAt) {
      child.kill('SIGKILL');
      throw new AutopodError('engineUnreachable', { detail: "Restate's server does not answer", log });
    }
    await sleep(25);
  }
}

async function end(child: ChildProcess, ended: Promise<void>): Promise<void> {
  child.kill('SIGTERM');
  const slow = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await ended;
  clearTimeout(slow);
}
