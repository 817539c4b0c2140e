import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { AutopodError } from '../../errors.ts';

/** A private key that ssh can use now, without asking. */
export interface PrivateKey {
  path: string;
  /** One line, as in authorized_keys. */
  publicKey: string;
  /** The key has a passphrase, so ssh must ask the agent. */
  needsAgent: boolean;
  /** Where that agent answers. */
  agentSocket?: string | undefined;
}

const PREFERRED = ['id_ed25519', 'id_ecdsa', 'id_rsa'];

/**
 * The configured key, or the first usable one in `~/.ssh`. Throws `sshKeyMissing`, `sshKeyTooOpen`,
 * `sshKeyInvalid`, or `sshKeyLocked` when it has a passphrase and no agent holds it.
 */
export async function usePrivateKey(configured: string | undefined): Promise<PrivateKey> {
  const path = configured ?? (await privateKeyPaths())[0];
  if (path === undefined) throw new AutopodError('sshKeyMissing');
  const { mode } = await stat(path).catch(() => {
    throw new AutopodError('sshKeyMissing', { path });
  });
  if ((mode & 0o077) !== 0)
    throw new AutopodError('sshKeyTooOpen', { path, mode: (mode & 0o777).toString(8) });
  const open = await openKey(path);
  if (open !== undefined) return { path, publicKey: open, needsAgent: false };
  const publicKey = (await publicHalf(path)) ?? '';
  if (!publicKey || !(await isInAgent(publicKey))) throw new AutopodError('sshKeyLocked', { path });
  return { path, publicKey, needsAgent: true, agentSocket: process.env.SSH_AUTH_SOCK };
}

/** The private keys in `~/.ssh` by their names, the most usual first. */
export async function privateKeyPaths(env: NodeJS.ProcessEnv = process.env): Promise<string[]> {
  const folder = sshFolder(env);
  const names = (await readdir(folder).catch(() => [])).filter((name) => /^id_[\w-]+$/.test(name));
  const others = names.filter((name) => !PREFERRED.includes(name));
  const known = PREFERRED.filter((name) => names.includes(name));
  return [...known, ...others].map((name) => join(folder, name));
}

/** Makes `~/.ssh/id_autopod`, without passphrase, and answers its path. One that is there is kept. */
export async function createKey(env: NodeJS.ProcessEnv): Promise<string> {
  const path = join(sshFolder(env), 'id_autopod');
  await mkdir(sshFolder(env), { recursive: true, mode: 0o700 });
  const isThere = await stat(path).catch(() => undefined);
  if (!isThere) await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'autopod', '-f', path]);
  return path;
}

/** Whether a key is in a security key, which is touched for each login. */
export async function needsTouch(path: string): Promise<boolean> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const key = Buffer.from(text.replace(/^-.*$/gm, ''), 'base64');
  return key.includes('sk-ssh-') || key.includes('sk-ecdsa-');
}

function sshFolder(env: NodeJS.ProcessEnv): string {
  return join(env.HOME || homedir(), '.ssh');
}

/** The public half of a key without passphrase; undefined when it has one. */
async function openKey(path: string): Promise<string | undefined> {
  try {
    return (await execa('ssh-keygen', ['-y', '-P', '', '-f', path])).stdout.trim();
  } catch (error) {
    const { code, stderr = '' } = error as { code?: unknown; stderr?: string };
    if (code === 'ENOENT') throw new AutopodError('sshMissing', { program: 'ssh-keygen' });
    if (/passphrase/i.test(stderr)) return undefined;
    throw new AutopodError('sshKeyInvalid', { path, detail: stderr.trim().split('\n').at(-1) ?? '' });
  }
}

async function publicHalf(path: string): Promise<string | undefined> {
  return readFile(`${path}.pub`, 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  );
}

/** Whether an agent holds the key at `path` now. */
export async function isHeldByAgent(path: string, agentSocket: string | null): Promise<boolean> {
  const publicKey = await publicHalf(path);
  return publicKey !== undefined && isInAgent(publicKey, agentSocket ?? undefined);
}

async function isInAgent(publicKey: string, socket = process.env.SSH_AUTH_SOCK): Promise<boolean> {
  const blob = publicKey.split(/\s+/)[1] ?? '';
  const { stdout } = await execa('ssh-add', ['-L'], { reject: false, env: { SSH_AUTH_SOCK: socket } });
  return (stdout ?? '').includes(blob);
}
