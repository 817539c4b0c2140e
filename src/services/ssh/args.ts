import { AutopodError } from '../../errors.ts';

/** What an ssh connection to a pod needs. */
export interface SshTarget {
  host: string;
  port: number;
  user: string;
  podId: string;
  /** The host key is pinned to one boot of the pod, in which none changes. All pods of an image may share it. */
  bootId: string;
  keyPath: string;
  needsAgent: boolean;
  /** Where the agent answers, if not where SSH_AUTH_SOCK says. */
  agentSocket?: string | null;
  /** A file of this pod alone, never the user's own. */
  knownHostsPath: string;
  /** Seconds of silence after which ssh itself asks whether the pod is there; 5 unless told. At the second time in vain it ends. */
  keepaliveSeconds?: number | undefined;
}

export interface ForwardSockets {
  control: string;
  /** Unix socket that is joined to the pod's port. */
  forward: string;
}

/** A master connection that only forwards: it outlives the process that started it. */
export function forwardArguments(target: SshTarget, sockets: ForwardSockets, remotePort: number): string[] {
  return [
    '-N',
    '-T',
    ...common(target),
    ...option('ExitOnForwardFailure', 'yes'),
    ...option('StreamLocalBindUnlink', 'yes'),
    ...option('StreamLocalBindMask', '0177'),
    ...option('ControlPersist', 'no'),
    ...option('LogLevel', 'ERROR'),
    '-M',
    '-S',
    literal(sockets.control),
    '-L',
    `${literal(sockets.forward)}:127.0.0.1:${remotePort}`,
    ...destination(target),
  ];
}

/** A shell on the pod, or one command: over a running master if it answers, else over a connection of its own. */
export function shellArguments(
  target: SshTarget,
  command: string | undefined,
  control: string | undefined,
): string[] {
  return [
    ...common(target),
    ...option('LogLevel', 'ERROR'),
    ...(control ? ['-S', literal(control), ...option('ControlMaster', 'no')] : []),
    ...destination(target),
    ...(command ? [command] : []),
  ];
}

/** The same as a block of ssh's configuration, for scp, rsync and editors. */
export function hostBlock(names: string[], target: SshTarget, control: string): string {
  const { host, port, user, keyPath, knownHostsPath } = target;
  const lines = [
    `HostName ${host}`,
    `Port ${port}`,
    `User ${user}`,
    `IdentityFile ${quoted(keyPath)}`,
    'IdentitiesOnly yes',
    `UserKnownHostsFile ${quoted(knownHostsPath)}`,
    `HostKeyAlias ${hostKeyAlias(target)}`,
    'StrictHostKeyChecking accept-new',
    'UpdateHostKeys no',
    'CheckHostIP no',
    'ForwardAgent no',
    'ForwardX11 no',
    'ControlMaster no',
    `ControlPath ${quoted(control)}`,
  ];
  return [`Host ${names.join(' ')}`, ...lines.map((line) => `  ${line}`), ''].join('\n');
}

/** A connection of its own to a port of the pod, joined to standard input and output. */
export function streamArguments(target: SshTarget, remotePort: number): string[] {
  return [...common(target), '-W', `127.0.0.1:${remotePort}`, ...destination(target)];
}

/**
 * One command over a running master. Without a master ssh would look for a host of the name given; the proxy command
 * that fails keeps it from that.
 */
export function sessionArguments(control: string, command: string): string[] {
  return [
    ...['-F', 'none', '-T', '-S', literal(control)],
    ...option('LogLevel', 'QUIET'),
    ...option('ProxyCommand', 'exit 1'),
    'pod',
    command,
  ];
}

/** The environment of every ssh: nothing of ours in it, the API key least of all (I8). */
export function sshEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const passed = [
    'PATH',
    'HOME',
    'USER',
    'LOGNAME',
    'TERM',
    'LANG',
    'SSH_AUTH_SOCK',
    'SSH_ASKPASS',
    'DISPLAY',
  ];
  return Object.fromEntries(passed.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}

function common(target: SshTarget): string[] {
  return [
    ...['-F', 'none'],
    ...identity(target.keyPath),
    ...option('IdentitiesOnly', 'yes'),
    ...(target.needsAgent ? [] : option('IdentityAgent', 'none')),
    ...option('BatchMode', 'yes'),
    ...option('PreferredAuthentications', 'publickey'),
    ...option('UserKnownHostsFile', quoted(target.knownHostsPath)),
    ...option('GlobalKnownHostsFile', 'none'),
    ...option('HostKeyAlias', hostKeyAlias(target)),
    ...option('StrictHostKeyChecking', 'accept-new'),
    ...option('UpdateHostKeys', 'no'),
    ...option('CheckHostIP', 'no'),
    ...option('ConnectTimeout', '10'),
    ...option('ServerAliveInterval', String(target.keepaliveSeconds ?? 5)),
    ...option('ServerAliveCountMax', '2'),
    ...option('Ciphers', '^aes128-gcm@openssh.com'),
    ...option('Compression', 'no'),
    ...option('ForwardAgent', 'no'),
    ...option('ForwardX11', 'no'),
  ];
}

// `-i` looks for the file before it replaces anything in its name; only it says when the file is missing.
function identity(path: string): string[] {
  return path.includes('%') ? option('IdentityFile', quoted(path)) : ['-i', path];
}

function option(name: string, value: string): string[] {
  return ['-o', `${name}=${value}`];
}

/**
 * A path as a value in ssh's configuration, where spaces part words, quotes and backslashes hold them together, and a
 * percent sign stands for something.
 */
function quoted(path: string): string {
  return PLAIN.test(path) ? literal(path) : `"${literal(path).replaceAll(/["\\]/g, '\\$&')}"`;
}

const PLAIN = /^[\w./:@%+,=-]+$/;

/** A path as ssh takes it without replacing anything in it. Throws `sshPathUnusable` where it would all the same. */
export function literal(path: string): string {
  // Nothing keeps ssh from replacing ${NAME}, or from ending a line where a path has one end.
  if (/\$\{|[\n\r]/.test(path)) throw new AutopodError('sshPathUnusable', { path });
  return path.replaceAll('%', '%%');
}

function hostKeyAlias({ podId, bootId }: SshTarget): string {
  return `autopod-${podId}-${bootId}`.replaceAll(/[^\w.-]/g, '-');
}

function destination({ host, port, user }: SshTarget): string[] {
  return ['-p', String(port), `${user}@${host}`];
}
