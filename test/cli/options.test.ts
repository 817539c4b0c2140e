import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { durationMs } from '../../src/cli/arguments/options.ts';
import { inProcess } from '../support/shell.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.end());

it('--expose-all makes public what port_templates names for the image, with a warning', async () => {
  const refused = await inProcess(world, ['connect', '--no-tunnel', '--dry-run', '--expose-all']);
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('no port_templates')]);
  const path = join(world.home, 'config.json');
  const config = JSON.parse(readFileSync(path, 'utf8'));
  const templates = { 'runpod/comfyui:latest': { 8188: 'ComfyUI', 8080: 'Files' } };
  writeFileSync(path, JSON.stringify({ ...config, port_templates: templates }), { mode: 0o600 });
  const { code, stdout, stderr } = await inProcess(world, [
    'connect',
    '--no-tunnel',
    '--dry-run',
    '--expose-all',
  ]);
  expect([code, stderr]).toEqual([0, expect.stringMatching(/Ports .*will be public/)]);
  const request = JSON.parse(stdout.slice(stdout.indexOf('{')));
  expect(request.ports.toSorted()).toEqual(['22/tcp', '8080/http', '8188/http']);
});

it('--json-stream prints a JSON line for each change of state, and the result last', async () => {
  const run = await world.autopod(['up', '--no-tunnel', '--json-stream']);
  const lines = run.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const [podId] = await world.podIds();
  expect(run).toMatchObject({ code: 0, stderr: '' });
  expect(lines.map(({ state }) => state)).toEqual(
    expect.arrayContaining(['creating.placing', 'booting', 'startingComfyUI', 'ready']),
  );
  expect(lines.at(-1)).toMatchObject({ podId, state: 'ready', url: null });
  expect(lines.slice(0, -1).every(({ at }) => !Number.isNaN(Date.parse(at)))).toBe(true);
});

it('ls points at a pod that costs while nobody uses it', async () => {
  const pod = {
    id: 'idle1',
    name: 'idle',
    status: 'RUNNING',
    cost: 0.4,
    gpu: { id: 'NVIDIA A40', count: 1 },
    runtime: { uptime: 7200 },
  };
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ pods: [pod] }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v2`;
  const { code, stderr } = await inProcess({ env: { ...world.env, AUTOPOD_API_URL: apiUrl } }, ['ls']);
  server.closeAllConnections();
  server.close();
  expect([code, stderr]).toEqual([
    0,
    expect.stringMatching(/idle1 costs \$0\.40\/h and has run for 2h 00m[\s\S]*autopod stop idle1/),
  ]);
});

it('stop on a stopped pod says that it is already stopped', async () => {
  const first = await world.autopod(['stop']);
  expect(first.stdout).toContain('you no longer pay for the GPU');
  const again = await world.autopod(['stop']);
  expect([again.code, again.stdout]).toEqual([0, expect.stringContaining('is already stopped')]);
});

it.each([
  [['up', '--zzzzzzzz'], 'autopod up --help'],
  [['config', 'set'], 'autopod config set --help'],
  [['comfy', 'status', '--timeout', '5'], 'autopod comfy status --help'],
  [['ps', '--zzzzzzzz'], 'autopod ls --help'],
  [['tunnel', 'pod1', '--stop', '--status'], 'autopod tunnel --help'],
])('%j points to the help of its command', async (argv, help) => {
  const { code, stderr } = await inProcess(world, argv);
  expect([code, stderr]).toEqual([2, expect.stringContaining(`See \`${help}\``)]);
});

it.each([
  ['stop', 'autopod tunnel [POD] --stop'],
  ['status', 'autopod tunnel [POD] --status'],
  ['start', 'autopod tunnel [POD]'],
  ['lst', 'autopod tunnel list'],
])('tunnel %s is no pod: the way to write it is told', async (verb, way) => {
  const { code, stderr } = await inProcess(world, ['tunnel', verb]);
  expect([code, stderr]).toEqual([2, expect.stringContaining(way)]);
});

it.each([
  ['30', 'It needs a unit: 30s, 30m or 30h.'],
  ['0m', 'such as 90s, 30m, 1h30m or 1d'],
  ['30m1h', 'such as 90s'],
  ['-5m', 'such as 90s'],
  ['1e3s', 'such as 90s'],
  ['400d', 'at most 365d'],
])('a duration of %s is refused, and what would be right is said', async (value, words) => {
  for (const option of ['--idle-stop', '--stop-after', '--timeout']) {
    const { code, stderr } = await inProcess(world, ['up', option, value]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(words)]);
  }
});

it.each([
  ['90s', 90_000],
  ['1h30m', 5_400_000],
  ['1.5h', 5_400_000],
  ['1d', 86_400_000],
  ['1d2h3m4s', 93_784_000],
])('a duration of %s is taken', (value, ms) => {
  expect(durationMs(value)).toBe(ms);
});

it.each([
  [['info', ''], 'The pod is empty'],
  [['stop', ' '], 'The pod is empty'],
  [['kill', '-y', ''], 'The pod is empty'],
  [['up', '--name', ''], '--name is empty'],
  [['up', '--template', ''], '--template is empty'],
  [['up', '--gpu', 'A40', '--gpu', ''], '--gpu is empty'],
  [['up', '--volume-id='], '--volume-id is empty'],
  [['gpus', '--datacenter', ''], '--datacenter is empty'],
  [['up', '--name', 'two\nlines'], 'without control characters'],
  [['connect', '--name', 'a\u001b[2J'], 'without control characters'],
])('%j is a usage error that names it, and asks nothing of RunPod', async (argv, words) => {
  const asked = async () =>
    ((await (await fetch(`${world.simulator.controlUrl}/requests`)).json()) as { requests: unknown[] })
      .requests.length;
  const before = await asked();
  const { code, stderr } = await inProcess(world, argv);
  expect([code, stderr]).toEqual([2, expect.stringContaining(words)]);
  expect(await asked()).toBe(before);
});
