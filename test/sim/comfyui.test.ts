import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { ComfyUi } from '../../sim/comfyui/comfyui.ts';
import type { ComfyUiVersion } from '../../sim/comfyui/recorded.ts';

const VERSIONS: ComfyUiVersion[] = ['0.3.64', '0.33.0'];
const PROMPT = {
  '1': { class_type: 'EmptyImage', inputs: { width: 64, height: 64, batch_size: 1, color: 255 } },
  '3': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'made' } },
};

interface Recorded {
  name: string;
  method: string;
  path: string;
  headers?: Record<string, string>;
  json?: unknown;
  data?: string;
  status: number;
  contentType: string | null;
  bodyJson?: unknown;
  bodyText?: string;
}

describe.each(VERSIONS)('version %s', (version) => {
  it.each(recorded(version).map((one) => [one.name, one] as const))(
    'answers as recorded: %s',
    async (_, one) => {
      const comfyui = start({ version });
      const body = one.data ?? (one.json === undefined ? undefined : JSON.stringify(one.json));
      const headers = atOwnPort(one.headers);
      const reply = await ask(comfyui, one.method, one.path, {
        headers,
        ...(body !== undefined && { body }),
      });
      expect([reply.status, reply.headers['content-type'] ?? null]).toEqual([one.status, one.contentType]);
      if (one.bodyText !== undefined) expect(reply.text).toBe(one.bodyText);
      if (one.bodyJson !== undefined) expect(JSON.parse(reply.text)).toEqual(one.bodyJson);
    },
  );

  it('reports its version and the GPU of its pod', async () => {
    const { text } = await ask(start({ version }), 'GET', '/api/system_stats');
    const { system, devices } = JSON.parse(text);
    expect(system.comfyui_version).toBe(version);
    expect(devices).toEqual([
      expect.objectContaining({
        name: 'cuda:0 NVIDIA L4 : cudaMallocAsync',
        type: 'cuda',
        vram_total: 24 * 1024 ** 3,
      }),
    ]);
  });

  it.each([
    ['null', 101],
    ['http://localhost:5999', 101],
    ['http://localhost:3000', 403],
    ['https://example.com', 403],
  ])('answers a WebSocket from origin %s with %i', async (origin, status) => {
    const comfyui = start({ version });
    expect(await upgradeStatus(comfyui, { host: 'localhost:5999', origin })).toBe(status);
  });
});

it('refuses connections until it is started and after it is stopped, and forgets its queue', () => {
  const comfyui = new ComfyUi(optionsOf({}));
  expect(comfyui.connect()).toBeNull();
  comfyui.start();
  comfyui.queue.submit(PROMPT);
  expect(comfyui.connect()).not.toBeNull();
  comfyui.stop();
  expect(comfyui.connect()).toBeNull();
  expect(comfyui.queue.remaining).toBe(0);
  expect(comfyui.connectionCount).toBe(0);
});

it('runs jobs one at a time and remembers them', async () => {
  const comfyui = start({ jobMs: 5 });
  const first = await submit(comfyui);
  const second = await submit(comfyui);
  const queue = await read(comfyui, '/queue');
  expect(queue.queue_running.map((item: unknown[]) => item[1])).toEqual([first]);
  expect(queue.queue_pending.map((item: unknown[]) => item[1])).toEqual([second]);
  expect((await read(comfyui, '/prompt')).exec_info.queue_remaining).toBe(2);
  expect(await read(comfyui, `/history/${first}`)).toEqual({});
  await until(() => comfyui.queue.remaining === 0);
  const history = await read(comfyui, `/history/${second}`);
  expect(history[second].status).toMatchObject({ status_str: 'success', completed: true });
  expect((await read(comfyui, `/api/jobs/${first}`)).status).toBe('completed');
  const [image] = history[second].outputs['3'].images;
  expect((await ask(comfyui, 'GET', `/view?filename=${image.filename}`)).headers['content-type']).toBe(
    'image/png',
  );
});

it('tells an interrupt from a failure only by its message', async () => {
  const comfyui = start({ jobMs: 60_000 });
  const id = await submit(comfyui);
  expect((await ask(comfyui, 'POST', '/interrupt')).status).toBe(200);
  await until(() => comfyui.queue.remaining === 0);
  const { status } = (await read(comfyui, `/history/${id}`))[id];
  expect(status.status_str).toBe('error');
  expect(status.messages.map(([type]: [string]) => type)).toContain('execution_interrupted');
  expect((await read(comfyui, `/api/jobs/${id}`)).status).toBe('cancelled');
});

it('tells a client over its socket how its job goes, and another only of the queue', async () => {
  const comfyui = start({ jobMs: 5 });
  const mine = await listen(comfyui, 'mine');
  const other = await listen(comfyui, 'other');
  await ask(comfyui, 'POST', '/prompt', { body: JSON.stringify({ prompt: PROMPT, client_id: 'mine' }) });
  await until(() => mine.types.at(-1) === 'executing' && comfyui.queue.remaining === 0);
  expect(mine.types).toEqual([
    'status',
    'status',
    'status',
    'execution_start',
    'execution_cached',
    'progress_state',
    'executing',
    'progress_state',
    'progress_state',
    'executing',
    'executed',
    'progress_state',
    'execution_success',
    'status',
    'executing',
  ]);
  expect(other.types).toEqual(['status', 'status', 'status', 'status']);
});

it('silences the newer of two sockets with one client id when the older closes', async () => {
  const comfyui = start({ jobMs: 60_000 });
  const older = await listen(comfyui, 'same');
  const newer = await listen(comfyui, 'same');
  older.socket.close();
  await once(older.socket, 'close');
  await until(() => comfyui.connectionCount === 1);
  await submit(comfyui);
  expect(newer.types).toEqual(['status']);
});

it('echoes what a socket says when asked to', async () => {
  const { socket } = await listen(start(), 'e', '&echo=1');
  socket.send('ping');
  expect(String((await once(socket, 'message'))[0])).toBe('ping');
});

it.each(['//', '/%E0%A4%A', '/history/%'])('survives the path %s', async (path) => {
  expect((await ask(start(), 'GET', path)).status).toBeLessThan(500);
});

it('answers with as many bytes as asked for', async () => {
  const reply = await ask(start(), 'GET', '/sim-bytes?n=1234');
  expect(reply.text.length).toBe(1234);
});

interface Setup {
  version?: ComfyUiVersion;
  jobMs?: number;
}

function optionsOf({ version = '0.33.0', jobMs = 0 }: Setup) {
  return {
    script: () => ({ version, jobMs }),
    gpu: () => ({ id: 'NVIDIA L4', memory: 24, count: 1 }),
  };
}

function start(setup: Setup = {}): ComfyUi {
  const comfyui = new ComfyUi(optionsOf(setup));
  comfyui.start();
  return comfyui;
}

function recorded(version: ComfyUiVersion): Recorded[] {
  return JSON.parse(
    readFileSync(new URL(`../fixtures/comfyui/replay-${version}.json`, import.meta.url), 'utf8'),
  );
}

/** Recorded requests without a Host were made to the recording server's own port. */
function atOwnPort(headers: Record<string, string> = {}): Record<string, string> {
  return Object.hasOwn(headers, 'Host') ? headers : { Host: '127.0.0.1:8199', ...headers };
}

function connect(comfyui: ComfyUi): () => Socket {
  return () => comfyui.connect() as Socket;
}

interface AskOptions {
  headers?: Record<string, string>;
  body?: string;
}

async function ask(
  comfyui: ComfyUi,
  method: string,
  path: string,
  { headers = {}, body = '' }: AskOptions = {},
) {
  const request = http.request({
    method,
    path,
    headers: { Host: 'pod', ...headers },
    setHost: false,
    createConnection: connect(comfyui),
  });
  request.end(body);
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  const text = Buffer.concat(await response.toArray()).toString();
  return { status: response.statusCode, headers: response.headers, text };
}

async function read(comfyui: ComfyUi, path: string) {
  return JSON.parse((await ask(comfyui, 'GET', path)).text);
}

async function submit(comfyui: ComfyUi): Promise<string> {
  const { text } = await ask(comfyui, 'POST', '/prompt', { body: JSON.stringify({ prompt: PROMPT }) });
  return JSON.parse(text).prompt_id;
}

async function listen(comfyui: ComfyUi, clientId: string, more = '') {
  const socket = new WebSocket(`ws://127.0.0.1:8188/ws?clientId=${clientId}${more}`, {
    createConnection: connect(comfyui),
  });
  const types: string[] = [];
  socket.on('message', (data) => {
    if (String(data).startsWith('{')) types.push(JSON.parse(String(data)).type);
  });
  await until(() => types.length > 0);
  return { socket, types };
}

async function upgradeStatus(comfyui: ComfyUi, headers: Record<string, string>): Promise<number | undefined> {
  const socket = new WebSocket('ws://pod/ws', { headers, createConnection: connect(comfyui) });
  const opened = once(socket, 'open').then(() => 101);
  const refused = once(socket, 'unexpected-response').then(([, { statusCode }]) => statusCode as number);
  opened.catch(() => {});
  refused.catch(() => {});
  const status = await Promise.race([opened, refused]);
  socket.on('error', () => {}).terminate();
  return status;
}

/** Looks again after each turn of the event loop. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate);
}
