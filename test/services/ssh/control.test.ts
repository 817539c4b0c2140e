import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { askMaster } from '../../../src/services/ssh/control.ts';
import { until } from '../../support/until.ts';
import { startWorld, type TestWorld } from '../../support/world.ts';

let world: TestWorld;
let folder = '';

beforeAll(async () => {
  world = await startWorld();
  folder = mkdtempSync(join(tmpdir(), 'ap-'));
});
afterAll(() => world.end());

/** OpenSSH's own master, connected to the simulator's sshd. */
async function startMaster(name: string) {
  expect((await world.autopod(['up', '--no-tunnel', '--json'])).code).toBe(0);
  const info = JSON.parse((await world.autopod(['info', '--json'])).stdout) as {
    ssh: { host: string; port: number };
  };
  const control = join(folder, name);
  const options = ['BatchMode=yes', 'StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null'];
  const args = ['-F', 'none', '-i', join(world.home, 'id_test'), ...options.flatMap((one) => ['-o', one])];
  const { host, port } = info.ssh;
  const child = spawn('ssh', [...args, '-N', '-M', '-S', control, '-p', String(port), `root@${host}`], {
    stdio: 'ignore',
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await until('its control socket', () => existsSync(control));
  return { child, control };
}

it('OpenSSH’s master tells its process id, and ends when it is asked to', async () => {
  const { child, control } = await startMaster('m1');
  expect(await askMaster(control, 'check', 5_000)).toEqual({ pid: child.pid });
  const ended = once(child, 'exit');
  expect(await askMaster(control, 'exit', 5_000)).toEqual({ pid: undefined });
  await ended;
  expect(await askMaster(control, 'check', 5_000)).toBeUndefined();
});

it('a master that was killed, and one that stands still, do not answer', async () => {
  const { child, control } = await startMaster('m2');
  child.kill('SIGSTOP');
  expect(await askMaster(control, 'check', 200)).toBeUndefined();
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
  expect(existsSync(control)).toBe(true);
  expect(await askMaster(control, 'exit', 60_000)).toBeUndefined();
});

it.each([
  ['hangs up', Buffer.alloc(0)],
  ['says what is no packet', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ['says an endless packet', Buffer.concat([Buffer.from([0x7f, 0xff, 0xff, 0xff]), Buffer.alloc(100_000)])],
  ['says a packet of nothing', Buffer.alloc(64)],
  ['refuses', Buffer.from([0, 0, 0, 8, 0x80, 0, 0, 2, 0, 0, 0, 0])],
])('what %s is no master', async (what, words) => {
  const path = join(folder, `odd-${what.length}`);
  const server = createServer((socket) => socket.on('error', () => undefined).end(words)).listen(path);
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  expect(await askMaster(path, 'check', 5_000)).toBeUndefined();
});

it('nor is a file, and nothing at all', async () => {
  writeFileSync(join(folder, 'file'), '');
  for (const name of ['file', 'nothing'])
    expect(await askMaster(join(folder, name), 'check', 60_000)).toBeUndefined();
});
