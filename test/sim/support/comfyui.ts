import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import type { Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { ComfyUi } from '../../../sim/comfyui/comfyui.ts';
import type { ComfyUiVersion } from '../../../sim/comfyui/recorded.ts';
import type { ComfyScript } from '../../../sim/comfyui/script.ts';

export const VERSIONS: ComfyUiVersion[] = ['0.3.64', '0.33.0'];

export type Nodes = Record<string, { class_type: string; inputs: Record<string, unknown> }>;

/** A running ComfyUI without latencies and without models. */
export function startComfyUi(script: Partial<ComfyScript> = {}): ComfyUi {
  const comfyui = new ComfyUi({
    script: () => script,
    gpu: () => ({ id: 'NVIDIA L4', memory: 24, count: 1 }),
  });
  comfyui.start();
  onTestFinished(() => comfyui.stop());
  return comfyui;
}

/** An empty picture that is inverted and saved. */
export function pictureNodes(prefix = 'made', inputs: Record<string, unknown> = {}): Nodes {
  return {
    '1': {
      class_type: 'EmptyImage',
      inputs: { width: 64, height: 64, batch_size: 1, color: 255, ...inputs },
    },
    '2': { class_type: 'ImageInvert', inputs: { image: ['1', 0] } },
    '3': { class_type: 'SaveImage', inputs: { images: ['2', 0], filename_prefix: prefix } },
  };
}

/** A picture that takes its time in steps before it is saved. */
export function slowNodes(seconds: number, steps = 3): Nodes {
  return {
    ...pictureNodes(),
    '2': { class_type: 'SimSleep', inputs: { image: ['1', 0], seconds, steps } },
  };
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into the history freely
export type Entry = any;

export interface Reply {
  status: number | undefined;
  headers: http.IncomingHttpHeaders;
  bytes: Buffer;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  json: any;
}

interface AskOptions {
  headers?: Record<string, string>;
  body?: string | Buffer;
}

/** One request. */
export async function ask(
  comfyui: ComfyUi,
  method: string,
  path: string,
  { headers = {}, body = '' }: AskOptions = {},
): Promise<Reply> {
  const request = http.request({
    method,
    path,
    headers: { Host: 'pod', ...headers },
    setHost: false,
    createConnection: () => comfyui.connect() as unknown as Socket,
  });
  request.end(body);
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  const bytes = Buffer.concat(await response.toArray());
  const isJson = response.headers['content-type']?.startsWith('application/json') ?? false;
  const text = bytes.toString();
  return {
    status: response.statusCode,
    headers: response.headers,
    bytes,
    text,
    json: isJson && text !== '' ? JSON.parse(text) : undefined,
  };
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
export async function read(comfyui: ComfyUi, path: string): Promise<any> {
  return (await ask(comfyui, 'GET', path)).json;
}

export function post(comfyui: ComfyUi, path: string, body: unknown): Promise<Reply> {
  return ask(comfyui, 'POST', path, { body: JSON.stringify(body) });
}

/** Queues a prompt and gives its id. */
export async function submit(
  comfyui: ComfyUi,
  prompt: Nodes,
  more: Record<string, unknown> = {},
): Promise<string> {
  return (await post(comfyui, '/prompt', { prompt, ...more })).json.prompt_id;
}

/** Queues a prompt, waits until nothing is queued, and gives its entry in the history. */
export async function play(
  comfyui: ComfyUi,
  prompt: Nodes,
  more: Record<string, unknown> = {},
): Promise<Entry> {
  const id = await submit(comfyui, prompt, more);
  await idle(comfyui);
  return (await read(comfyui, `/history/${id}`))[id];
}

export function idle(comfyui: ComfyUi): Promise<void> {
  return until(() => comfyui.queue.remaining === 0);
}

/** A message on the socket; of a binary one its first number alone. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into messages freely
export type Heard = { type: string; data: any } | { binary: number };

export interface Listener {
  comfyui: ComfyUi;
  clientId: string;
  socket: WebSocket;
  heard: Heard[];
  types: () => (string | number)[];
}

/** A client of `/ws`, once it was greeted. */
export async function listen(comfyui: ComfyUi, clientId: string, query = ''): Promise<Listener> {
  const socket = new WebSocket(`ws://127.0.0.1:8188/ws?clientId=${clientId}${query}`, {
    createConnection: () => comfyui.connect() as unknown as Socket,
  });
  const heard: Heard[] = [];
  socket.on('message', (data: Buffer, isBinary: boolean) => {
    if (isBinary) heard.push({ binary: data.readUInt32BE(0) });
    else if (String(data).startsWith('{')) heard.push(JSON.parse(String(data)));
  });
  await until(() => heard.length > 0);
  return {
    comfyui,
    clientId,
    socket,
    heard,
    types: () => heard.map((one) => ('binary' in one ? one.binary : one.type)),
  };
}

/** Looks again after each turn of the event loop. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate);
}

export interface Played {
  prompts: {
    name: string;
    request: { prompt: Nodes };
    status: number;
    answer: unknown;
    text: string | null;
  }[];
  answers: Record<string, Record<string, unknown>>;
  view: {
    name: string;
    method: string;
    path: string;
    headers: Record<string, string>;
    status: number;
    answered: Record<string, string>;
    length: number;
  }[];
  uploads: { name: string; status: number; answer: unknown }[];
  transcripts: Record<string, Heard[]>;
}

/** What a real server answered; long texts are cut. */
export function played(version: ComfyUiVersion): Played {
  return JSON.parse(
    readFileSync(new URL(`../../fixtures/comfyui/played-${version}.json`, import.meta.url), 'utf8'),
  );
}

/** Keys and types of a value. Ids as keys are one key; a list has the shapes of its items, each once. */
export function shape(value: unknown): unknown {
  if (value === null) return 'null';
  if (Array.isArray(value)) {
    const shapes = value.map((one) => JSON.stringify(shape(one)));
    return [...new Set(shapes)].map((one) => JSON.parse(one));
  }
  if (typeof value !== 'object') return typeof value;
  const entries = Object.entries(value).map(([key, one]) => [
    /^[0-9a-f]{8}-/.test(key) ? 'ID' : key,
    shape(one),
  ]);
  return Object.fromEntries(entries);
}
