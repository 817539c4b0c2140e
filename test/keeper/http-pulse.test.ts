import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { HttpPulse } from '../../src/keeper/http-pulse.ts';
import type { SendState } from '../../src/services/ssh/sending.ts';

type Manner = 'answers' | 'closes' | 'dies' | 'says nothing';

/** The two sockets of an ssh, whose pod's port behaves in this manner. */
async function begin(manner: Manner) {
  const folder = mkdtempSync(join(tmpdir(), 'ap-pulse-'));
  const files = {
    control: join(folder, 'c'),
    forward: join(folder, 'f'),
    stderr: join(folder, 'e'),
  };
  const sockets = new Set<Socket>();
  const listen = async (path: string, take: (socket: Socket, server: Server) => void) => {
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      take(socket, server);
    });
    server.listen(path);
    await once(server, 'listening');
    return server;
  };
  const control = await listen(files.control, () => undefined);
  const forward = await listen(files.forward, (socket, server) => {
    if (manner === 'answers') socket.end('HTTP/1.1 404 Not Found\r\n\r\n');
    if (manner === 'dies') server.close();
    if (manner === 'dies' || manner === 'closes') socket.destroy();
  });
  const end = () => {
    for (const socket of sockets) socket.destroy();
    for (const server of [control, forward]) server.close();
  };
  const pulse = new HttpPulse(files);
  onTestFinished(() => {
    pulse.end();
    end();
    rmSync(folder, { recursive: true, force: true });
  });
  return { pulse, end };
}

it.each<[Manner, boolean]>([
  ['answers', true],
  ['closes', true],
  ['dies', false],
  ['says nothing', false],
])('a port that %s: an answer came through is %s', async (manner, isAnswer) => {
  const { pulse } = await begin(manner);
  expect(await pulse.answers(100)).toBe(isAnswer);
});

it.each<[SendState | undefined, string]>([
  ['repeated', 'dead'],
  ['none', 'alive'],
  ['acknowledged', 'alive'],
  [undefined, 'alive'],
])('silence while packets on their way are “%s”: %s', async (state, verdict) => {
  const { pulse } = await begin('says nothing');
  const over = new AbortController();
  onTestFinished(() => over.abort());
  const traffic = {
    flowedAt: () => Number.NEGATIVE_INFINITY,
    sending: async () => state,
    read: async () => undefined,
  };
  const held = pulse.hold({ beatMs: 10, deadAfterMs: 50 }, traffic, over.signal).catch((error) => error.code);
  const alive = sleep(verdict === 'alive' ? 600 : 20_000, 'alive', { signal: over.signal });
  expect(await Promise.race([held, alive])).toBe(verdict === 'alive' ? 'alive' : 'sshUnreachable');
  alive.catch(() => undefined);
});

it('the end of ssh is told at once', async () => {
  const { pulse, end } = await begin('answers');
  const traffic = { flowedAt: () => 0, sending: async () => 'none' as const, read: async () => undefined };
  const signal = new AbortController().signal;
  const held = pulse.hold({ beatMs: 60_000, deadAfterMs: 60_000 }, traffic, signal);
  setTimeout(end, 50);
  await expect(held).rejects.toMatchObject({ code: 'sshUnreachable', detail: { detail: 'ssh ended' } });
  expect(pulse.hasEnded).toBe(true);
});
