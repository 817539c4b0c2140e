import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { knock } from '../../src/keeper/knock.ts';
import { freePort } from '../support/free-port.ts';
import { until } from '../support/until.ts';

it('a port that turns every knock away for long may be a ban: that is said, knocks are few, and its end is noticed', async () => {
  const port = Number(await freePort());
  const told: string[] = [];
  const over = new AbortController();
  const knocking = knock({ host: '127.0.0.1', port }, 20, over.signal, (words) => told.push(words), 400);
  try {
    await until('a ban is suspected', () => told.some((words) => words.includes('fail2ban')));
    expect(told[0]).toBe('its ssh port refuses connections');
    const before = told.length;
    await sleep(2_000);
    expect(told.length - before).toBeLessThanOrEqual(4);
    const server = createServer((socket) => void socket.end('SSH-2.0-OpenSSH_9.8\r\n')).listen(
      port,
      '127.0.0.1',
    );
    await once(server, 'listening');
    expect(await knocking).toBeGreaterThanOrEqual(0);
    server.close();
  } finally {
    over.abort();
    await knocking.catch(() => undefined);
  }
});

it('one that takes a connection meanwhile is no ban', async () => {
  const server = createServer((socket) => void socket.end('Not allowed at this time\r\n'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const told: string[] = [];
  const over = new AbortController();
  const knocking = knock({ host: '127.0.0.1', port }, 20, over.signal, (words) => told.push(words), 0);
  await until('told', () => told.length > 1);
  over.abort();
  await knocking.catch(() => undefined);
  server.close();
  expect(told.join()).not.toContain('fail2ban');
});
