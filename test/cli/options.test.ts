import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { inProcess } from '../support/shell.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.end());

it('--expose-all makes public what port_templates names for the image, with a warning', async () => {
  const refused = await inProcess(world, ['up', '--dry-run', '--expose-all']);
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('no port_templates')]);
  const path = join(world.home, 'config.json');
  const config = JSON.parse(readFileSync(path, 'utf8'));
  const templates = { 'runpod/comfyui:latest': { 8188: 'ComfyUI', 8080: 'Files' } };
  writeFileSync(path, JSON.stringify({ ...config, port_templates: templates }), { mode: 0o600 });
  const { code, stdout, stderr } = await inProcess(world, ['up', '--dry-run', '--expose-all']);
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
  expect(lines.at(-1)).toEqual({ podId, state: 'ready', url: null });
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

it('stop on a stopped pod says that it is stopped already', async () => {
  const first = await world.autopod(['stop']);
  expect(first.stdout).toContain('is no longer paid for');
  const again = await world.autopod(['stop']);
  expect([again.code, again.stdout]).toEqual([0, expect.stringContaining('is stopped already')]);
});
