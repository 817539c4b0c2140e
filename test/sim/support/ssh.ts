import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A short directory of its own, gone after the test. */
export function scratchDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'sim-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export interface KeyPair {
  file: string;
  publicKey: string;
}

export function generateKey(directory: string, type: 'ed25519' | 'rsa' | 'ecdsa' = 'ed25519'): KeyPair {
  const file = join(directory, `${type}-${Math.random().toString(36).slice(2, 8)}`);
  execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-C', 'test', '-f', file]);
  return { file, publicKey: readFileSync(`${file}.pub`, 'utf8').trim() };
}

export interface SshTarget {
  directory: string;
  keyFile: string;
  port: number | null;
}

/** The arguments autopod-like clients give to OpenSSH, up to and without the command. */
export function sshArguments(
  { directory, keyFile, port }: SshTarget,
  options: readonly string[] = [],
): string[] {
  const settings = [
    'BatchMode=yes',
    'IdentitiesOnly=yes',
    'PreferredAuthentications=publickey',
    'StrictHostKeyChecking=accept-new',
    `UserKnownHostsFile=${join(directory, 'known_hosts')}`,
    'GlobalKnownHostsFile=none',
    'UpdateHostKeys=no',
    'ServerAliveInterval=5',
    'Ciphers=^aes128-gcm@openssh.com',
  ];
  const flags = settings.flatMap((setting) => ['-o', setting]);
  return ['-T', '-F', 'none', '-i', keyFile, ...flags, ...options, '-p', String(port), 'root@127.0.0.1'];
}

/** A running ssh, ended with the test. */
export function startSsh(target: SshTarget, options: readonly string[], command: readonly string[] = []) {
  const child: ChildProcessWithoutNullStreams = spawn('ssh', [...sshArguments(target, options), ...command]);
  const closed = once(child, 'close');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await closed;
  });
  child.stdin.on('error', () => {});
  return child;
}

export interface SshResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs ssh to its end. */
export async function runSsh(
  target: SshTarget,
  options: readonly string[],
  command: readonly string[] = [],
  input: string | Buffer = '',
): Promise<SshResult> {
  const child = startSsh(target, options, command);
  child.stdin.end(input);
  const [stdout, stderr, [code]] = await Promise.all([
    child.stdout.toArray(),
    child.stderr.toArray(),
    once(child, 'close'),
  ]);
  return { code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() };
}

/** A forward of a Unix socket to a port of the pod; resolves when it accepts. */
export async function forward(target: SshTarget, remotePort = 8188): Promise<string> {
  const socketPath = join(target.directory, `f-${Math.random().toString(36).slice(2, 8)}`);
  await startHeartbeat(target, [
    '-o',
    'ExitOnForwardFailure=yes',
    '-L',
    `${socketPath}:127.0.0.1:${remotePort}`,
  ]);
  return socketPath;
}

/** A running `cat` that has echoed once: by then ssh listens wherever its options told it to. */
export async function startHeartbeat(target: SshTarget, options: readonly string[] = []) {
  const child = startSsh(target, options, ['exec cat']);
  child.stdin.write('x');
  await once(child.stdout, 'data');
  return child;
}

/** A GET over a Unix socket, on a connection of its own; rejects with the socket's error code. */
export function get(socketPath: string, path: string): Promise<{ status: number; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const request = http.get({ socketPath, path, agent: false }, (response) => {
      response
        .toArray()
        .then((chunks) => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }), reject);
    });
    request.on('error', (error: NodeJS.ErrnoException) => reject(error.code));
  });
}
