import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import type { Look } from '../../src/inspector/watch.ts';
import { freePort } from '../support/free-port.ts';
import { signal } from '../support/processes.ts';
import { until } from '../support/until.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;

beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.end());

/** Starts `autopod inspect` and answers where it serves. */
async function inspect(args: string[] = [], env = {}): Promise<{ url: string; child: ChildProcess }> {
  const { child } = world.start(['inspect', '--no-open', '--json', ...args], env);
  const [line] = await once(child.stdout as NodeJS.ReadableStream, 'data');
  return { url: JSON.parse(String(line)).url, child };
}

async function end(child: ChildProcess): Promise<unknown> {
  child.kill('SIGINT');
  return (await once(child, 'exit'))[0];
}

async function firstLook(url: string): Promise<{ look: Look; text: string }> {
  const stream = await fetch(new URL('events', url));
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of stream.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    const [, data] = /^data: (.*)\n\n/m.exec(text) ?? [];
    if (data) return { look: JSON.parse(data), text };
  }
  throw new Error('the stream ended');
}

describe('the command', () => {
  it('serves a page until Ctrl-C, with no account and no network', async () => {
    const offline = { AUTOPOD_API_URL: 'http://127.0.0.1:9/v2', RUNPOD_API_KEY: '' };
    const { url, child } = await inspect([], offline);
    expect(await (await fetch(url)).text()).toContain('<title>autopod inspector</title>');
    expect((await firstLook(url)).look).toMatchObject({
      isWhole: true,
      subjects: [],
      notices: [],
      keeper: null,
    });
    expect(await end(child)).toBe(0);
  });

  it('starts nothing: no keeper, no record, no lock', async () => {
    expect(world.processes()).toEqual([]);
    expect(
      ['pods.json', 'tunnels.json', 'journal.jsonl', 'inspector.json'].filter((name) =>
        existsSync(join(world.home, name)),
      ),
    ).toEqual([]);
    expect(readdirSync(join(world.home, 'locks'))).toEqual([]);
  });

  it('tells of damaged files on the page, and leaves them as they are', async () => {
    const damaged = ['pods.json', 'tunnels.json'].map((name) => join(world.home, name));
    for (const path of damaged) writeFileSync(path, '{ broken');
    const { url, child } = await inspect();
    const { look } = await firstLook(url);
    expect(look.notices.map(({ what }) => what).toSorted()).toEqual(
      damaged.map((path) => `${path} is damaged.`),
    );
    expect(look.notices[0]?.next).toContain('Nothing was changed');
    expect(await end(child)).toBe(0);
    const named = await world.autopod(['inspect', '--no-open', 'mine']);
    expect([named.code, named.stderr]).toEqual([1, expect.stringContaining('pods.json is damaged')]);
    for (const path of damaged) expect(readFileSync(path, 'utf8')).toBe('{ broken');
    expect(readdirSync(world.home).filter((name) => name.includes('unreadable'))).toEqual([]);
    for (const path of damaged) rmSync(path);
  });

  it('opens a browser at an address that works once, so that the key is on no command line', async () => {
    const opened = join(world.home, 'opened');
    const fake = join(world.home, 'xdg-open');
    writeFileSync(fake, `#!/bin/sh\nprintf %s "$1" > ${opened}.part && mv ${opened}.part ${opened}\n`, {
      mode: 0o755,
    });
    const { child } = world.start(['inspect', '--json'], { PATH: `${world.home}:${process.env.PATH}` });
    const [line] = await once(child.stdout as NodeJS.ReadableStream, 'data');
    await until('a browser is started', () => existsSync(opened));
    const entry = readFileSync(opened, 'utf8');
    expect(entry).not.toContain(new URL(JSON.parse(line).url).pathname);
    expect((await fetch(entry)).url).toBe(JSON.parse(line).url);
    expect((await fetch(entry)).status).toBe(404);
    expect(await end(child)).toBe(0);
  });

  it('without a browser it says so and serves on', async () => {
    const { child } = world.start(['inspect'], { PATH: join(world.home, 'empty') });
    let said = '';
    child.stderr?.on('data', (text) => {
      said += text;
    });
    await until('it says so', () => said.includes('No browser could be started'));
    expect(await end(child)).toBe(0);
  });

  it.each([
    ['no port', ['--port', 'x'], 2, 'port from 1 to 65535'],
    ['port 0', ['--port', '0'], 2, 'port from 1 to 65535'],
    ['an unknown option', ['--prot', '1'], 2, '--port'],
    ['an unknown pod', ['nobody'], 1, 'There is no pod nobody'],
  ])('refuses %s', async (_what, args, code, words) => {
    const run = await world.autopod(['inspect', '--no-open', ...args]);
    expect([run.code, run.stdout]).toEqual([code, '']);
    expect(run.stderr).toContain(words);
  });

  it('takes the port it is given, and tells when it is taken', async () => {
    const { url, child } = await inspect();
    const { port } = new URL(url);
    const second = await world.autopod(['inspect', '--no-open', '--port', port]);
    expect([second.code, second.stderr]).toEqual([
      1,
      expect.stringContaining(`Port ${port} on this machine is taken`),
    ]);
    expect(second.stderr).toContain('--port N');
    expect(await end(child)).toBe(0);
    const third = await inspect(['--port', port]);
    expect(new URL(third.url).port).toBe(port);
    expect(third.url).not.toBe(url);
    await end(third.child);
  });
});

/** Secrets of a world: the API key, both halves of the ssh key, and where the public one is set. */
function secretsOf({ home, env }: TestWorld): string[] {
  const [, publicKey = '?'] = readFileSync(join(home, 'id_test.pub'), 'utf8').split(' ');
  const privateKey = readFileSync(join(home, 'id_test'), 'utf8').split('\n')[1] ?? '?';
  return [env.RUNPOD_API_KEY ?? '?', publicKey, privateKey, 'PUBLIC_KEY='];
}

it('through up, stop, start, a failure and kill nothing is told that is secret, to page or relay', async () => {
  const other = await startWorld();
  onTestFinished(() => other.end());
  const { child } = other.start(['inspect', '--no-open', '--json']);
  const [line] = await once(child.stdout as NodeJS.ReadableStream, 'data');
  const { url, stately } = JSON.parse(String(line));
  let told = '';
  const stream = await fetch(new URL('events', url));
  const reading = (async () => {
    for await (const chunk of stream.body as unknown as AsyncIterable<Uint8Array>) told += Buffer.from(chunk);
  })().catch(() => undefined);
  const relay = new WebSocket(stately);
  relay.on('message', (data) => {
    told += data;
  });
  await once(relay, 'open');
  const port = await freePort();
  for (const [args, code] of [
    [['up', '--inspect', '--local-port', port], 0],
    [['stop'], 0],
    [['start'], 0],
    [['up', '--inspect', '--local-port', port], 0],
    [['up', '--new', '--inspect', '--volume-id', 'nope', '--local-port', await freePort()], 2],
  ] as const) {
    const run = await other.autopod([...args]);
    expect(run.code, `${args}: ${run.stderr}`).toBe(code);
  }
  const [podId = ''] = await other.podIds();
  expect((await other.autopod(['kill', '--yes', podId])).code).toBe(0);
  await until('the end is told', () => told.includes('"to":"terminated"'));
  child.kill('SIGINT');
  await reading;
  for (const state of ['ready', 'stopped', 'starting', 'failed', 'healthy'])
    expect(told).toContain(`"to":"${state}"`);
  for (const type of ['actor', 'event', 'snapshot']) expect(told).toContain(`"@xstate.${type}"`);
  for (const secret of secretsOf(other)) expect(told.includes(secret), secret.slice(0, 12)).toBe(false);
});

it('while a pod is placed it tells the candidates, and what RunPod said to those before', async () => {
  const other = await startWorld({
    faults: [
      { route: 'createPod', kind: 'status', status: 403, detail: 'not for you' },
      { route: 'createPod', kind: 'stallBefore' },
    ],
  });
  onTestFinished(() => other.end());
  const { child: launching } = other.start([
    'up',
    '--local-port',
    'auto',
    '--gpu',
    'A40',
    '--gpu',
    'RTX A6000',
  ]);
  const { child } = other.start(['inspect', '--no-open', '--json']);
  const [line] = await once(child.stdout as NodeJS.ReadableStream, 'data');
  const subject = await until('the second candidate', async () => {
    const { look } = await firstLook(JSON.parse(String(line)).url);
    return look.subjects.find(({ candidates }) => candidates[1]?.isCurrent);
  });
  expect(subject.state).toBe('creating.placing');
  expect(subject.candidates[0]).toMatchObject({
    words: expect.stringContaining('A40 in '),
    refusal: expect.stringContaining('not for you'),
  });
  for (const one of [launching, child]) one.kill('SIGINT');
});

it('a keeper that is stuck is told soon, and what else there is with it', async () => {
  const other = await startWorld();
  onTestFinished(() => other.end());
  expect((await other.autopod(['up', '--local-port', 'auto'])).code).toBe(0);
  const { child } = other.start(['inspect', '--no-open', '--json']);
  const [line] = await once(child.stdout as NodeJS.ReadableStream, 'data');
  const [keeper = 0] = other.keeperPids();
  signal(keeper, 'SIGSTOP');
  try {
    const { look } = await firstLook(JSON.parse(String(line)).url);
    expect(look.notices).toMatchObject([{ what: expect.stringContaining('does not answer') }]);
    expect(look.subjects).toMatchObject([{ machine: 'pod@1', state: 'ready' }, { machine: 'tunnel@1' }]);
  } finally {
    signal(keeper, 'SIGCONT');
    child.kill('SIGINT');
  }
});

describe('after a whole life of a pod', () => {
  let podId = '';

  beforeAll(async () => {
    expect((await world.autopod(['up', '--local-port', await freePort(), '--name', 'mine'])).code).toBe(0);
    podId = (await world.podIds())[0] ?? '';
  });

  it('a pod may be named by id or name, and the page opens at it', async () => {
    for (const named of [podId, 'mine']) {
      const { url, child } = await inspect([named]);
      const { look } = await firstLook(url);
      expect(url).toContain(`#${look.subjects.find(({ title }) => title === 'mine')?.id}`);
      await end(child);
    }
  });

  it('nothing that is served holds a secret', async () => {
    writeFileSync(join(world.home, 'config.json'), '{ broken');
    const { url, child } = await inspect();
    const names = readdirSync(join(import.meta.dirname, '..', '..', 'dist', 'inspector'));
    const served = await Promise.all(names.map(async (name) => (await fetch(new URL(name, url))).text()));
    const { look, text } = await firstLook(url);
    expect(look.subjects.map(({ state }) => state)).toEqual(['ready', 'healthy']);
    for (const secret of secretsOf(world))
      for (const body of [...served, text]) expect(body).not.toContain(secret);
    await end(child);
  });

  it('a pod long gone is shown from the journal alone', async () => {
    expect((await world.autopod(['kill', '--yes', podId], { RUNPOD_API_KEY: 'sim-key' })).code).toBe(2);
    writeFileSync(join(world.home, 'config.json'), '{}');
    expect((await world.autopod(['kill', '--yes', podId])).code).toBe(0);
    const { url, child } = await inspect([podId]);
    expect(url).toContain(`#tunnel/${podId}`);
    const { look } = await firstLook(url);
    expect(look.subjects).toMatchObject([
      { state: 'terminated', isPast: true },
      { state: 'stopped', isPast: true },
    ]);
    await end(child);
  });
});
