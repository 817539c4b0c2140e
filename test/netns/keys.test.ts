import { execFile, execFileSync, spawn } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changeKeys } from '../../src/keeper/pod-keys.ts';
import { CAN_NETNS, type PodHost, startPodHost } from './pod-host.ts';

const run = promisify(execFile);
const SHELLS = [
  ['dash', '/usr/bin/dash'],
  ['bash', '/usr/bin/bash'],
  ['busybox', '/usr/bin/busybox'],
].filter(([, path = '']) => existsSync(path));

/** As that shell reads its script from standard input. */
const asked = (shell: string) => (shell === 'busybox' ? 'exec busybox sh -s' : `exec ${shell} -s`);

interface Key {
  path: string;
  line: string;
}

describe.runIf(CAN_NETNS && SHELLS.length > 0)('the keys of members, with OpenSSH’s own sshd', () => {
  let pod: PodHost;
  let folder = '';
  /** The server's own, by which the change comes; it is nobody's that is to change. */
  let server: Key;
  let joins: Key;
  let leaves: Key;
  let other: Key;

  const keyOf = (name: string): Key => {
    const path = join(folder, name);
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', path]);
    return { path, line: readFileSync(`${path}.pub`, 'utf8').trim() };
  };
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ap-keys-'));
    [server, joins, leaves, other] = ['server', 'joins', 'leaves', 'other'].map(keyOf) as [
      Key,
      Key,
      Key,
      Key,
    ];
    pod = await startPodHost();
  }, 60_000);
  afterAll(async () => {
    await pod?.end();
    rmSync(folder, { recursive: true, force: true });
  });

  const base64 = ({ line }: Key) => line.split(' ')[1] ?? '';
  const file = () => join(pod.home, '.ssh', 'authorized_keys');
  const ssh = ({ path }: Key, command: string) => {
    const options = [
      'StrictHostKeyChecking=no',
      'UserKnownHostsFile=/dev/null',
      'BatchMode=yes',
      'IdentitiesOnly=yes',
    ];
    const to = ['-F', '/dev/null', '-i', path, '-p', String(pod.port), `root@${pod.host}`];
    return [...options.flatMap((one) => ['-o', one]), ...to, command];
  };
  const isLetIn = (key: Key) =>
    run('ssh', ssh(key, 'true')).then(
      () => true,
      () => false,
    );
  /** Changes the keys as the keeper does, by a shell that sshd has started. */
  const change = (shell: string, how = { add: [joins.line], remove: [base64(leaves)] }) => {
    const through = async (_command: string, script: string) => {
      const child = spawn('ssh', ssh(server, asked(shell)), { stdio: ['pipe', 'pipe', 'ignore'] });
      child.stdin.end(script);
      return text(child.stdout);
    };
    return changeKeys({ bootId: '', run: through } as never, how);
  };
  const begin = (...parts: (string | Buffer)[]) => {
    rmSync(join(pod.home, '.ssh'), { recursive: true, force: true });
    mkdirSync(join(pod.home, '.ssh'), { mode: 0o700 });
    writeFileSync(file(), Buffer.concat(parts.map((part) => Buffer.from(part as string))), { mode: 0o600 });
  };
  const bytes = () => readFileSync(file()).toString('latin1');

  describe.each(SHELLS)('by %s', (shell) => {
    it('let in who joins and out who leaves, however their line is written, and keep all other lines to the byte', async () => {
      const kept = [
        '# who made this\n',
        '\n',
        `${server.line}\n`,
        `no-pty,environment="A=b c",from="*" ${other.line} and a comment of its own\n`,
        Buffer.from('# an \xe9 of another time, a $HOME, a `backtick`, a \\ and a "quote\n', 'latin1'),
        '   indented\tand tabbed   \n',
      ];
      const gone = [
        `${leaves.line}\n`,
        `${leaves.line}\r\n`,
        `${leaves.line.split(' ').slice(0, 2).join(' ')}\r\n`,
        `${leaves.line.replaceAll(' ', '\t')}\n`,
        `restrict,pty ${leaves.line} with words\n`,
        leaves.line.split(' ').slice(0, 2).join(' '),
      ];
      begin(...kept.slice(0, 3), ...gone.slice(0, 3), ...kept.slice(3), ...gone.slice(3));
      expect([await isLetIn(leaves), await isLetIn(other), await isLetIn(joins)]).toEqual([
        true,
        true,
        false,
      ]);
      expect(await change(shell)).toBe(true);
      const expected = Buffer.concat(kept.map((part) => Buffer.from(part as string))).toString('latin1');
      expect(bytes()).toBe(`${expected}${joins.line}\n`);
      expect([await isLetIn(leaves), await isLetIn(other), await isLetIn(joins)]).toEqual([
        false,
        true,
        true,
      ]);
      expect(await change(shell)).toBe(true);
      expect(bytes()).toBe(`${expected}${joins.line}\n`);
    });

    it('let out also who has only a line that ends with a carriage return', async () => {
      begin(`${server.line}\n`, `${leaves.line.split(' ').slice(0, 2).join(' ')}\r\n`);
      expect(await isLetIn(leaves)).toBe(true);
      expect(await change(shell)).toBe(true);
      expect(await isLetIn(leaves)).toBe(false);
    });

    it('stand in a line of their own after one that had no end', async () => {
      begin(`${server.line}\n`, other.line);
      expect(await change(shell)).toBe(true);
      expect(bytes()).toBe(`${server.line}\n${other.line}\n${joins.line}\n`);
      expect([await isLetIn(other), await isLetIn(joins)]).toEqual([true, true]);
    });

    it('go where a link leads, which stays a link, also to a file that nobody may write to', async () => {
      begin(`${server.line}\n${leaves.line}\n`);
      const there = join(pod.home, `keys-of-${shell}`);
      writeFileSync(there, bytes(), { mode: 0o400 });
      rmSync(file());
      symlinkSync(`../keys-of-${shell}`, file());
      expect(await change(shell)).toBe(true);
      expect([lstatSync(file()).isSymbolicLink(), statSync(there).mode & 0o777]).toEqual([true, 0o400]);
      expect(bytes()).toBe(`${server.line}\n${joins.line}\n`);
      expect(readdirSync(join(pod.home, '.ssh'))).toEqual(['authorized_keys']);
    });

    it('are not said to be changed where something else stands in the file’s place, and nothing is', async () => {
      begin(`${server.line}\n`);
      // The connection that stands lasts, and the next one is not asked for.
      const command = `rm -rf ~/.ssh; mkdir -p ~/.ssh/authorized_keys; ${asked(shell)}`;
      const through = async (_command: string, script: string) => {
        const child = spawn('ssh', ssh(server, command), { stdio: ['pipe', 'pipe', 'ignore'] });
        child.stdin.end(script);
        return text(child.stdout);
      };
      const how = { add: [joins.line], remove: [] };
      expect(await changeKeys({ bootId: '', run: through } as never, how)).toBe(false);
      expect(readdirSync(join(pod.home, '.ssh'), { recursive: true })).toEqual(['authorized_keys']);
    });

    it('are let in where there is no folder for them yet, closed to others', async () => {
      begin(`${server.line}\n`);
      const command = `rm -rf ~/.ssh; ${asked(shell)}`;
      const through = async (_command: string, script: string) => {
        const child = spawn('ssh', ssh(server, command), { stdio: ['pipe', 'pipe', 'ignore'] });
        child.stdin.end(script);
        return text(child.stdout);
      };
      const how = { add: [server.line, joins.line], remove: [] };
      expect(await changeKeys({ bootId: '', run: through } as never, how)).toBe(true);
      expect([statSync(join(pod.home, '.ssh')).mode & 0o777, statSync(file()).mode & 0o777]).toEqual([
        0o700, 0o600,
      ]);
      expect(await isLetIn(joins)).toBe(true);
    });
  });
});
