import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { createWebSocketReceiver, type StatelyInspectionEvent } from '@statelyai/inspect';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { assign, type EventObject, fromPromise, setup } from 'xstate';
import { runHere } from '../../src/host/local.ts';
import { type StatelyMessage, StatelyRuns } from '../../src/inspector/stately.ts';
import { freePort } from '../support/free-port.ts';
import { until } from '../support/until.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

it('no secret leaves, wherever a machine has it', async () => {
  const secret = 'hush-hush';
  const messages: StatelyMessage[] = [];
  const machine = setup({
    types: { context: {} as Record<string, unknown>, events: {} as { type: string; token?: string } },
    actors: { fetchKey: fromPromise<string, string>(async () => secret) },
  }).createMachine({
    id: 'm',
    context: { apiKey: secret, note: `key ${secret}` },
    initial: 'waiting',
    states: {
      waiting: {
        invoke: {
          id: 'fetchKey',
          src: 'fetchKey',
          input: secret,
          onDone: { target: 'has', actions: assign({ token: ({ event }) => event.output }) },
        },
      },
      has: { on: { used: 'waiting' } },
    },
  });
  const runs = new StatelyRuns(machine, '7', [secret]);
  const run = runHere<Record<string, unknown>>({
    machine,
    input: {},
    works: { fetchKey: async () => secret },
    save: async () => undefined,
    journal: async () => undefined,
    inspect: (step) => void messages.push(...runs.told('o1', step)),
  });
  await until('it has it', () => run.saved.value === 'has');
  run.send({ type: 'used', token: secret } as EventObject);
  await until('the last message', () => messages.length > 8);
  await run.stop();
  expect(JSON.stringify(messages)).not.toContain(secret);
  expect(JSON.stringify(messages)).toContain('xstate.done.actor.fetchKey');
  expect(messages[0]).toMatchObject({ type: '@xstate.actor', name: 'm o1', snapshot: { status: 'active' } });
  const [, work] = messages;
  expect(work).toMatchObject({ name: 'fetchKey', parentId: messages[0]?.sessionId });
  const ended = messages.filter(({ sessionId }) => sessionId === work?.sessionId).at(-1);
  expect(ended?.snapshot).toEqual({ status: 'done' });
});

/** Runs what sends there and then has nothing to do; answers how long it stays. */
async function stayOf(url: string, ...more: string[]): Promise<number> {
  const fixture = join(import.meta.dirname, 'fixtures', 'send-and-leave.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', fixture, url, ...more], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  const begun = performance.now();
  expect(await once(child, 'exit')).toEqual([0, null]);
  return performance.now() - begun;
}

it('an end that never answers keeps no process alive', async () => {
  const server = createServer(() => undefined).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  expect(await stayOf(url)).toBeLessThan(2_000);
});

it('nor do tunnels that are told', async () => {
  const { url } = await foreignInspector();
  expect(await stayOf(url, 'tunnels')).toBeLessThan(2_000);
});

/** An inspector that is not autopod's; what it is told is in `told`. */
async function foreignInspector(): Promise<{ url: string; told: StatelyInspectionEvent[] }> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  onTestFinished(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  const told: StatelyInspectionEvent[] = [];
  server.on('connection', (client) =>
    client.on('message', (data) => void told.push(JSON.parse(String(data)))),
  );
  await once(server, 'listening');
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`, told };
}

describe('up --inspect', () => {
  let world: TestWorld;
  let stately = '';

  beforeAll(async () => {
    world = await startWorld();
  });
  afterAll(() => world.end());

  it.each([
    ['an address elsewhere', '--inspect=ws://example.com:8080', 'an address on this machine'],
    ['what is no address', '--inspect=mine', 'an address on this machine'],
    ['an address with a fragment', '--inspect=ws://127.0.0.1:1/#x', 'an address on this machine'],
    ['no address when no inspector runs', '--inspect', 'Start `autopod inspect`'],
  ])('refuses %s, before anything is created', async (_what, option, words) => {
    const run = await world.autopod(['up', option]);
    expect([run.code, run.stderr]).toEqual([2, expect.stringContaining(words)]);
    expect(await world.podIds()).toEqual([]);
  });

  it.each([
    ['is damaged', '{ broken'],
    ['names an address elsewhere', '{"stately":"ws://example.com/"}'],
    ['names none', '{}'],
  ])('refuses to send where inspector.json says, when that %s', async (_what, saved) => {
    writeFileSync(join(world.home, 'inspector.json'), saved);
    const run = await world.autopod(['up', '--inspect']);
    rmSync(join(world.home, 'inspector.json'));
    expect([run.code, run.stderr]).toEqual([2, expect.stringContaining('names no address on this machine')]);
    expect(await world.podIds()).toEqual([]);
  });

  it('is not slowed by an end that accepts and never reads', async () => {
    const deaf = createHttpServer().on('upgrade', ({ headers }, socket) => {
      const key = `${headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
      const accept = createHash('sha1').update(key).digest('base64');
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
      );
      socket.pause();
    });
    deaf.listen(0, '127.0.0.1');
    onTestFinished(() => deaf.closeAllConnections());
    await once(deaf, 'listening');
    const { port } = deaf.address() as AddressInfo;
    const took = async (...more: string[]) => {
      const begun = performance.now();
      const run = await world.autopod(['up', '--local-port', await freePort(), ...more]);
      expect(run.code, run.stderr).toBe(0);
      const ms = performance.now() - begun;
      expect((await world.autopod(['kill', '--yes'])).code).toBe(0);
      return ms;
    };
    const alone = await took();
    expect(await took(`--inspect=ws://127.0.0.1:${port}`)).toBeLessThan(alone * 1.5 + 1_000);
    deaf.close();
  });

  it('goes on when nobody answers at the address', async () => {
    const run = await world.autopod(['up', '--local-port', await freePort(), '--inspect=ws://127.0.0.1:9']);
    expect(run.code, run.stderr).toBe(0);
    expect(run.stderr.match(/does not answer; continuing without it/g)).toHaveLength(1);
    expect((await world.autopod(['kill', '--yes'])).code).toBe(0);
  });

  it('tells an inspector that is not ours of the tunnel, too, until it is healthy', async () => {
    const { url, told } = await foreignInspector();
    const run = await world.autopod(['up', '--local-port', await freePort(), `--inspect=${url}`]);
    expect(run.code, run.stderr).toBe(0);
    const [podId] = await world.podIds();
    const introduced = told.filter(
      (event) => event.type === '@xstate.actor' && event.name === `tunnel@1 ${podId}`,
    );
    expect(introduced).toHaveLength(1);
    expect(introduced[0]).toMatchObject({ definition: expect.stringContaining('recreating') });
    const { sessionId = '' } = introduced[0] ?? {};
    expect(sessionId).toMatch(new RegExp(`^\\d+/tunnel/${podId}$`));
    const last = () => told.findLast((event) => event.sessionId === sessionId) as { snapshot?: object };
    await until('healthy', () => JSON.stringify(last().snapshot).includes('"value":"healthy"'));
    expect(last().snapshot).toMatchObject({ context: { podId } });
    expect(JSON.stringify(told)).not.toMatch(/sim-key|AAAAC3Nz/);
    expect((await world.autopod(['kill', '--yes'])).code).toBe(0);
  });

  it('tells Stately’s own receiver, through the relay of autopod inspect', async () => {
    const { child } = world.start(['inspect', '--no-open', '--json']);
    onTestFinished(() => void child.kill('SIGINT'));
    const [line] = await once(child.stdout as NodeJS.ReadableStream, 'data');
    stately = JSON.parse(line).stately;
    const seen: StatelyInspectionEvent[] = [];
    createWebSocketReceiver({ server: stately }).subscribe((event) => void seen.push(event));
    const run = await world.autopod(['up', '--local-port', await freePort(), '--inspect']);
    expect([run.code, run.stderr]).toEqual([0, expect.not.stringContaining('does not answer')]);
    const states = () =>
      seen.flatMap((event) => (event.type === '@xstate.snapshot' ? [JSON.stringify(event.snapshot)] : []));
    await until('ready', () => states().some((snapshot) => snapshot.includes('"value":"ready"')));
    const root = seen.find((event) => event.type === '@xstate.actor' && event.name.startsWith('pod@1 '));
    const [launchId] = Object.keys(JSON.parse(readFileSync(join(world.home, 'pods.json'), 'utf8')).records);
    expect(root).toMatchObject({ name: `pod@1 ${launchId}`, definition: expect.any(String) });
    expect(JSON.parse((root as { definition: string }).definition)).toMatchObject({ initial: 'reconciling' });
    for (const state of ['"value":"booting"', '"value":{"creating":"placing"}'])
      expect(
        states().some((snapshot) => snapshot.includes(state)),
        state,
      ).toBe(true);
    await until('the tunnel, too', () => states().some((snapshot) => snapshot.includes('"value":"healthy"')));
    const tunnels = seen.filter(
      (event) => event.type === '@xstate.actor' && event.name.startsWith('tunnel@1 '),
    );
    expect(tunnels.map(({ sessionId }) => sessionId)).toEqual([expect.stringMatching(/^tunnel\//)]);
    const again = await world.autopod(['up', '--inspect']);
    expect(again.code, again.stderr).toBe(0);
    const roots = () =>
      seen.flatMap((event) =>
        event.type === '@xstate.actor' && event.name.startsWith('pod@1 ') ? [event] : [],
      );
    await until('the second command', () => roots().length === 2);
    expect(new Set(roots().map(({ sessionId }) => sessionId)).size).toBe(2);
    expect(JSON.stringify(seen)).not.toMatch(/sim-key|AAAAC3Nz/);

    const { url } = JSON.parse(line);
    const refused = async (address: string, options: { origin?: string; headers?: object } = {}) => {
      const [response] = await once(new WebSocket(address, options as object), 'error');
      return String(response);
    };
    const wrongKey = stately.replace(/\w+\/stately/, `${'0'.repeat(32)}/stately`);
    expect(await refused(wrongKey)).toContain('403');
    expect(await refused(url.replace('http', 'ws'))).toContain('403');
    expect(await refused(stately, { origin: 'https://evil.example' })).toContain('403');
    expect(await refused(stately, { headers: { host: 'evil.example' } })).toContain('403');
  });

  it('when the inspector has ended, says so again', async () => {
    await until('it is gone', async () => (await world.autopod(['up', '--inspect'])).code === 2);
  });
});
