import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { AutopodError } from '../../errors.ts';
import { forwardArguments, literal, type SshTarget, sshEnvironment, streamArguments } from './args.ts';
import { classifySsh } from './classify.ts';
import { askMaster } from './control.ts';

/** The files of one master: its two sockets and what it says. */
export interface MasterFiles {
  control: string;
  forward: string;
  stderr: string;
}

/** Names the files of one master in the folder of sockets. */
export function masterFiles(folder: string, id: string): MasterFiles {
  const file = (kind: string) => join(folder, `${id}.${kind}`);
  return { control: file('ctl'), forward: file('sock'), stderr: file('err') };
}

/** Milliseconds after which a control socket that does not answer counts as dead. */
const CONTROL_TIMEOUT_MS = 2_000;
/** Milliseconds for a login whose only purpose is a question. */
const LOGIN_TIMEOUT_MS = 10_000;

/**
 * Starts a master connection and resolves when its forward is set up. Plain `spawn`, because the master must
 * outlive us: a session of its own and its words in a file, for a pipe would die with its reader.
 */
export async function startMaster(
  target: SshTarget,
  files: MasterFiles,
  remotePort: number,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const stderr = openSync(files.stderr, 'a', 0o600);
  const child = spawn('ssh', forwardArguments(target, files, remotePort), {
    detached: true,
    stdio: ['ignore', 'ignore', stderr],
    env: masterEnvironment(target),
    cwd: '/',
  });
  closeSync(stderr);
  const ended = new Promise<'ended'>((resolve) => child.once('close', () => resolve('ended')));
  const unstarted = new Promise<never>((_, reject) => {
    child.once('error', (error) => reject(startFailure(error, target)));
  });
  const settled = new AbortController();
  const waiting = AbortSignal.any([signal, settled.signal]);
  try {
    const result = await Promise.race([ended, unstarted, untilPresent(files.forward, waiting)]);
    if (result === 'ended') throw await whyEnded(target, files);
  } catch (error) {
    child.kill('SIGKILL');
    if (child.pid !== undefined) await ended;
    await removeMasterFiles(files);
    throw error;
  } finally {
    settled.abort();
  }
  child.unref();
}

// Too many processes or open files pass; only a missing program does not.
function startFailure({ message, code }: NodeJS.ErrnoException, { podId }: SshTarget): AutopodError {
  return code === 'ENOENT'
    ? new AutopodError('sshMissing', { program: 'ssh' })
    : new AutopodError('sshUnreachable', { podId, detail: message });
}

async function untilPresent(path: string, signal: AbortSignal): Promise<'present'> {
  for (;;) {
    const isThere = await stat(path).then(
      () => true,
      () => false,
    );
    if (isThere) return 'present';
    await sleep(4, undefined, { signal });
  }
}

async function whyEnded({ podId, keyPath }: SshTarget, files: MasterFiles): Promise<AutopodError> {
  const { code, detail } = classifySsh(await lastWords(files), { podId, path: keyPath });
  return new AutopodError(code, detail);
}

/** What a master has said so far. */
export function lastWords({ stderr }: MasterFiles): Promise<string> {
  return readFile(stderr, 'utf8').catch(() => '');
}

/** Process id of a master that answers at its control socket; undefined when none does. */
export async function masterPid({ control }: MasterFiles): Promise<number | undefined> {
  return (await askMaster(control, 'check', CONTROL_TIMEOUT_MS))?.pid;
}

/**
 * Ends a master, which may be stopped or stuck: at once by the pid it told itself while it still answered, if that
 * process is still ours, else through its control socket.
 */
export async function endMaster(files: MasterFiles, knownPid: number | undefined): Promise<void> {
  if (knownPid !== undefined && (await ownsControl(knownPid, files))) kill(knownPid);
  else if (!(await askMaster(files.control, 'exit', CONTROL_TIMEOUT_MS)))
    for (const pid of await pidsOf(files)) kill(pid);
  await removeMasterFiles(files);
}

// One that is still shaking hands has no control socket yet. Shells name the socket, too, and are not masters (-M).
async function pidsOf({ control }: MasterFiles): Promise<number[]> {
  const names = await readdir('/proc').catch(() => []);
  const pids = names.filter((name) => /^\d+$/.test(name)).map(Number);
  const commands = await Promise.all(pids.map(commandOf));
  return pids.filter((_, index) => {
    const words = commands[index]?.split('\0') ?? [];
    return words.includes('-M') && words.includes(literal(control));
  });
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // It has ended in this moment.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

// A pid alone proves nothing: the process must carry our socket's random name on its command line.
async function ownsControl(pid: number, { control }: MasterFiles): Promise<boolean> {
  return (await commandOf(pid)).includes(literal(control));
}

async function commandOf(pid: number): Promise<string> {
  if (process.platform === 'linux') return readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  const { stdout } = await execa('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { reject: false });
  return stdout ?? '';
}

/** Whether a process is stopped (SIGSTOP), and so will not answer; false where the system does not tell. */
export async function isStopped(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return /^ [Tt] /.test(stat.slice(stat.lastIndexOf(')') + 1));
}

/**
 * Whether the pod's sshd forbids forwarding. A master closes such a connection without a word, as it does when nothing
 * listens at the port; only a login of its own is told which it is.
 */
export async function forbidsForwarding(
  target: SshTarget,
  remotePort: number,
  signal: AbortSignal,
): Promise<boolean> {
  const { stderr } = await execa('ssh', streamArguments(target, remotePort), {
    reject: false,
    stdin: 'ignore',
    timeout: LOGIN_TIMEOUT_MS,
    killSignal: 'SIGKILL',
    cancelSignal: signal,
    extendEnv: false,
    env: masterEnvironment(target),
  });
  return classifySsh(stderr ?? '', { podId: '', path: '' }).code === 'sshForwardingForbidden';
}

function masterEnvironment({ agentSocket }: SshTarget): NodeJS.ProcessEnv {
  return { ...sshEnvironment(process.env), ...(agentSocket && { SSH_AUTH_SOCK: agentSocket }) };
}

async function removeMasterFiles(files: MasterFiles): Promise<void> {
  await Promise.all([files.control, files.forward, files.stderr].map((path) => rm(path, { force: true })));
}
