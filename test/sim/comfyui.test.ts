import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { ComfyUi } from '../../sim/comfyui/comfyui.ts';
import type { ComfyUiVersion } from '../../sim/comfyui/recorded.ts';
import {
  ask,
  idle,
  listen,
  pictureNodes,
  read,
  startComfyUi,
  submit,
  until,
  VERSIONS,
} from './support/comfyui.ts';

const PROMPT = pictureNodes();

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
      const comfyui = startComfyUi({ version });
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
    const { text } = await ask(startComfyUi({ version }), 'GET', '/api/system_stats');
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
    const comfyui = startComfyUi({ version });
    expect(await upgradeStatus(comfyui, { host: 'localhost:5999', origin })).toBe(status);
  });
});

it('refuses connections until it is started and after it is stopped, and forgets its queue', () => {
  const comfyui = startComfyUi();
  comfyui.stop();
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
  const comfyui = startComfyUi({ jobMs: 5 });
  const first = await submit(comfyui, PROMPT);
  const second = await submit(comfyui, PROMPT);
  const queue = await read(comfyui, '/queue');
  expect(queue.queue_running.map((item: unknown[]) => item[1])).toEqual([first]);
  expect(queue.queue_pending.map((item: unknown[]) => item[1])).toEqual([second]);
  expect((await read(comfyui, '/prompt')).exec_info.queue_remaining).toBe(2);
  expect(await read(comfyui, `/history/${first}`)).toEqual({});
  await idle(comfyui);
  const history = await read(comfyui, `/history/${second}`);
  expect(history[second].status).toMatchObject({ status_str: 'success', completed: true });
  expect((await read(comfyui, `/api/jobs/${first}`)).status).toBe('completed');
  const [image] = history[second].outputs['3'].images;
  expect((await ask(comfyui, 'GET', `/view?filename=${image.filename}`)).headers['content-type']).toBe(
    'image/png',
  );
});

it('tells an interrupt from a failure only by its message', async () => {
  const comfyui = startComfyUi({ jobMs: 60_000 });
  const id = await submit(comfyui, PROMPT);
  expect((await ask(comfyui, 'POST', '/interrupt')).status).toBe(200);
  await idle(comfyui);
  const { status } = (await read(comfyui, `/history/${id}`))[id];
  expect(status.status_str).toBe('error');
  expect(status.messages.map(([type]: [string]) => type)).toContain('execution_interrupted');
  expect((await read(comfyui, `/api/jobs/${id}`)).status).toBe('cancelled');
});

it('silences the newer of two sockets with one client id when the older closes', async () => {
  const comfyui = startComfyUi({ jobMs: 60_000 });
  const older = await listen(comfyui, 'same');
  const newer = await listen(comfyui, 'same');
  older.socket.close();
  await once(older.socket, 'close');
  await until(() => comfyui.connectionCount === 1);
  await submit(comfyui, PROMPT);
  expect(newer.types()).toEqual(['status']);
});

it('echoes what a socket says when asked to', async () => {
  const { socket } = await listen(startComfyUi(), 'e', '&echo=1');
  socket.send('ping');
  expect(String((await once(socket, 'message'))[0])).toBe('ping');
});

it.each(['//', '/%E0%A4%A', '/history/%'])('survives the path %s', async (path) => {
  expect((await ask(startComfyUi(), 'GET', path)).status).toBeLessThan(500);
});

it('answers with as many bytes as asked for', async () => {
  const reply = await ask(startComfyUi(), 'GET', '/sim-bytes?n=1234');
  expect(reply.text.length).toBe(1234);
});

function recorded(version: ComfyUiVersion): Recorded[] {
  return JSON.parse(
    readFileSync(new URL(`../fixtures/comfyui/replay-${version}.json`, import.meta.url), 'utf8'),
  );
}

/** Recorded requests without a Host were made to the recording server's own port. */
function atOwnPort(headers: Record<string, string> = {}): Record<string, string> {
  return Object.hasOwn(headers, 'Host') ? headers : { Host: '127.0.0.1:8199', ...headers };
}

async function upgradeStatus(comfyui: ComfyUi, headers: Record<string, string>): Promise<number | undefined> {
  const socket = new WebSocket('ws://pod/ws', {
    headers,
    createConnection: () => comfyui.connect() as unknown as Socket,
  });
  const opened = once(socket, 'open').then(() => 101);
  const refused = once(socket, 'unexpected-response').then(([, { statusCode }]) => statusCode as number);
  opened.catch(() => {});
  refused.catch(() => {});
  const status = await Promise.race([opened, refused]);
  socket.on('error', () => {}).terminate();
  return status;
}
