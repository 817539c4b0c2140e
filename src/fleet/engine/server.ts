import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
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
const LOOK_MS = 200;

export interface ServerOptions {
  /** Made where there is none, and closed to other users: whoever reaches the sockets in it may do all. */
  folder: string;
  binary: string;
  /** File with the private key that signs calls to workers. */
  identityPath: string;
  env: NodeJS.ProcessEnv;
  /** Goes on with one that runs, where it was started in the same way. */
  isHandedOver?: boolean;
}

export interface Server {
  readonly places: Places;
  readonly pid: number;
  /** Resolves when it has ended, for whatever reason. */
  readonly ended: Promise<void>;
  stop: () => Promise<void>;
  /** Leaves it running for whoever serves next. */
  leave: () => void;
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
 * the first before it fails. One that an earlier caller has left running is ended, or gone on with where it was handed
 * over. Throws `engineUnreachable`.
 */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { folder, binary, identityPath, env, isHandedOver = false } = options;
  const places = placesIn(folder);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  const args = [
    '--listen-mode',
    'unix',
    '--base-dir',
    join(folder, 'data'),
    '--node-name',
    NODE,
    '--no-logo',
  ];
  // It leaves what it has there.
  const temporary = join(folder, 'tmp');
  const said = { ...settings(identityPath), ...keptOf(env, (name) => name.startsWith('RESTATE_')) };
  const how = createHash('sha256')
    .update(JSON.stringify([binary, args, said]))
    .digest('hex');
  const left = await claimed(folder);
  if (isHandedOver && left?.how === how && seenFromHere(left) === 'running')
    return adopted(folder, places, left);
  await endLeftBehind(left);
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary);
  const logPath = join(folder, 'restate.log');
  // It may outlive this process, and a terminal's Ctrl-C is not meant for it.
  const log = openSync(logPath, 'w', 0o600);
  const environment = { ...keptOf(env, (name) => PROGRAMS.includes(name)), ...said, TMPDIR: temporary };
  const child = spawn(binary, args, { env: environment, stdio: ['ignore', log, log], detached: true });
  const exited = once(child, 'exit').catch(({ message }: Error) => writeFile(logPath, `${message}\n`));
  const ended = exited.then(() => closeSync(log));
  const identity = child.pid === undefined ? undefined : identify(child.pid);
  if (identity) await writeFile(claimOf(folder), JSON.stringify({ ...identity, how }), { mode: 0o600 });
  await untilAnswering(places, child, logPath);
  const stop = async () => {
    await end(child, ended);
    await rm(claimOf(folder), { force: true });
  };
  return { places, pid: child.pid ?? 0, ended, stop, leave: () => child.unref() };
}

/** One that another process has started. */
function adopted(folder: string, places: Places, claim: Claim): Server {
  const left = new AbortController();
  const untilEnded = async () => {
    while (seenFromHere(claim) === 'running' && !left.signal.aborted)
      await sleep(LOOK_MS, undefined, { signal: left.signal }).catch(() => undefined);
  };
  const stop = async () => {
    await endLeftBehind(claim);
    await rm(claimOf(folder), { force: true });
  };
  return { places, pid: claim.pid, ended: untilEnded(), stop, leave: () => left.abort() };
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

/** What programs need of the caller's environment. What is said to Restate itself is kept as well, and no key of an account. */
const PROGRAMS = ['PATH', 'HOME', 'TZ'];

function keptOf(env: NodeJS.ProcessEnv, isKept: (name: string) => boolean): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => isKept(name)));
}

function claimOf(folder: string): string {
  return join(folder, 'server.json');
}

/** The server that was started last, whoever did. */
interface Claim extends ProcessIdentity {
  /** Digest of what it was started with. */
  how?: string;
}

async function claimed(folder: string): Promise<Claim | undefined> {
  try {
    const value = JSON.parse(await readFile(claimOf(folder), 'utf8')) as Partial<Claim>;
    return Number.isInteger(value.pid) && typeof value.startedAt === 'string' ? (value as Claim) : undefined;
  } catch {
    return undefined;
  }
}

/** Ends a server that outlived whoever started it; one that cannot be told for sure is left alone. */
async function endLeftBehind(claim: Claim | undefined): Promise<void> {
  if (!claim || seenFromHere(claim) !== 'running') return;
  process.kill(claim.pid, 'SIGTERM');
  const givenUpAt = performance.now() + STOP_MS;
  while (seenFromHere(claim) === 'running') {
    if (performance.now() > givenUpAt) process.kill(claim.pid, 'SIGKILL');
    await sleep(20);
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
