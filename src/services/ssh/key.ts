import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { AutopodError } from '../../errors.ts';
import { requireKnownUser, userHome } from '../../user.ts';
import { agentAt, agents, holds } from './agent.ts';
import { literal } from './args.ts';
import { diagnose, publicHalf } from './key-file.ts';

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
 * The configured key, or the first that can be used of those in `~/.ssh` and the one runpodctl has made. Throws
 * `sshKeyMissing`, `sshKeyTooOpen`, `sshKeyInvalid`, `userUnknown`, or `sshKeyLocked` when it has a passphrase and no agent holds it.
 */
export async function usePrivateKey(
  configured: string | undefined,
  env: NodeJS.ProcessEnv = process.env,
): Promise<PrivateKey> {
  requireKnownUser();
  if (configured !== undefined) return useKey(configured, env);
  let first: unknown;
  for (const path of await privateKeyPaths(env)) {
    try {
      return await useKey(path, env);
    } catch (error) {
      if (!(error instanceof AutopodError) || error.code === 'sshMissing') throw error;
      first ??= error;
    }
  }
  throw first ?? new AutopodError('sshKeyMissing');
}

async function useKey(path: string, env: NodeJS.ProcessEnv): Promise<PrivateKey> {
  literal(path);
  const file = await stat(path).catch(() => undefined);
  // A public half will do where an agent holds the other.
  if (!file || path.endsWith('.pub')) return usePublicHalf(path, env);
  // As ssh does: a key that is somebody else's may be read by a group.
  if (file.uid === process.getuid?.() && (file.mode & 0o077) !== 0)
    throw new AutopodError('sshKeyTooOpen', { path, mode: (file.mode & 0o777).toString(8) });
  const open = await openKey(path);
  if (open !== undefined) return { path, publicKey: open, needsAgent: false };
  const publicKey = await publicHalf(path);
  if (publicKey === undefined) throw new AutopodError('sshKeyLocked', { path, isPublicHalfMissing: true });
  return heldByAgent(path, publicKey, env);
}

async function usePublicHalf(path: string, env: NodeJS.ProcessEnv): Promise<PrivateKey> {
  const publicKey = await publicHalf(path);
  if (publicKey === undefined) throw new AutopodError('sshKeyMissing', { path });
  if (!/^(ssh-|ecdsa-|sk-)\S+ \S+/.test(publicKey)) {
    throw new AutopodError('sshKeyInvalid', { path, detail: 'It is not a public key, either.' });
  }
  return heldByAgent(path, publicKey, env);
}

async function heldByAgent(path: string, publicKey: string, env: NodeJS.ProcessEnv): Promise<PrivateKey> {
  const answering = await agents(env);
  const holder = answering.find((agent) => holds(agent, publicKey));
  if (!holder) throw new AutopodError('sshKeyLocked', { path, hasAgent: answering.length > 0 });
  return { path, publicKey, needsAgent: true, agentSocket: holder.socket };
}

/** The private keys in `~/.ssh` by their names, the most usual first; last the one runpodctl makes. */
export async function privateKeyPaths(env: NodeJS.ProcessEnv = process.env): Promise<string[]> {
  const folder = sshFolder(env);
  const names = (await namesIn(folder)).filter((name) => /^id_[\w-]+$/.test(name));
  const others = names.filter((name) => !PREFERRED.includes(name));
  const known = PREFERRED.filter((name) => names.includes(name));
  const runpod = join(userHome(env), '.runpod', 'ssh');
  const runpods = (await namesIn(runpod)).filter((name) => !name.endsWith('.pub') && name !== 'known_hosts');
  return [
    ...[...known, ...others].map((name) => join(folder, name)),
    ...runpods.map((name) => join(runpod, name)),
  ];
}

function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
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
  return join(userHome(env), '.ssh');
}

/** The public half of a key without passphrase; undefined when it has one. */
async function openKey(path: string): Promise<string | undefined> {
  try {
    return (await execa('ssh-keygen', ['-y', '-P', '', '-f', path])).stdout.trim();
  } catch (error) {
    const { code, stderr = '' } = error as { code?: unknown; stderr?: string };
    if (code === 'ENOENT') throw new AutopodError('sshMissing', { program: 'ssh-keygen' });
    if (/passphrase/i.test(stderr)) return undefined;
    const known = await diagnose(path);
    throw new AutopodError('sshKeyInvalid', {
      path,
      ...(known ?? { detail: stderr.trim().split('\n').at(-1) ?? '' }),
    });
  }
}

/** Whether an agent holds the key at `path` now. */
export async function isHeldByAgent(path: string, agentSocket: string | null): Promise<boolean> {
  const publicKey = await publicHalf(path);
  const socket = agentSocket ?? process.env.SSH_AUTH_SOCK;
  if (publicKey === undefined || !socket) return false;
  const agent = await agentAt(socket);
  return agent !== undefined && holds(agent, publicKey);
}
