import type { IncomingMessage } from 'node:http';
import { type ComfyAnswer, EMPTY_OK, TROUBLE } from './answer.ts';
import { type JobQueue, queueItem } from './jobs.ts';
import { jobDetail, listJobs } from './jobs-api.ts';
import { type ComfyUiVersion, type RecordedAnswer, recordedAnswers } from './recorded.ts';
import { submitPrompt } from './submit.ts';
import { receiveUpload } from './upload.ts';

const MAX_PROMPT_BYTES = 104_857_600;
const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

/** What the routes of ComfyUI answer from. */
interface ComfyState {
  version: ComfyUiVersion;
  queue: JobQueue;
  gpu: { id: string; memory: number; count: number };
  extensions: readonly string[];
}

interface SystemStats {
  system: Record<string, unknown>;
}

type Handler = (url: URL, state: ComfyState, request: IncomingMessage) => ComfyAnswer | Promise<ComfyAnswer>;

const GETS: Record<string, Handler> = {
  '/system_stats': (_, state) => systemStats(state),
  '/extensions': (_, { extensions }) => json(extensions),
  '/queue': (_, { queue }) =>
    json({ queue_running: queue.running.map(queueItem), queue_pending: queue.pending.map(queueItem) }),
  '/prompt': (_, { queue }) => json({ exec_info: { queue_remaining: queue.remaining } }),
  '/history': (url, { queue }) => history(queue, url.searchParams.get('max_items')),
  '/view': (url, { queue }) => view(url, queue),
  '/ws': () => ({ status: 400, text: 'No WebSocket UPGRADE hdr: None\n Can "Upgrade" only to "WebSocket".' }),
  '/sim-bytes': (url) => ({
    status: 200,
    headers: { 'content-type': 'application/octet-stream' },
    bytes: Buffer.alloc(Number(url.searchParams.get('n') ?? 0), 'x'),
  }),
};

const POSTS: Record<string, Handler> = {
  '/prompt': async (_, { queue, version }, request) => {
    const body = await readBody(request);
    return body.length > MAX_PROMPT_BYTES
      ? { status: 413, text: `Maximum request body size ${MAX_PROMPT_BYTES} exceeded.` }
      : submitPrompt(queue, version, body);
  },
  '/queue': (_, { queue }, request) =>
    withJson(request, (body) => {
      if (body.clear) queue.clearPending();
      queue.delete(names(body.delete));
    }),
  '/history': (_, { queue }, request) =>
    withJson(request, (body) => {
      if (body.clear) queue.history.clear();
      for (const id of names(body.delete)) queue.history.delete(id);
    }),
  '/interrupt': async (_, { queue }, request) => {
    const body = parseObject(await readBody(request)) ?? {};
    if (Array.isArray(body)) return TROUBLE;
    const id = body.prompt_id;
    queue.interrupt(typeof id === 'string' ? id : undefined);
    return EMPTY_OK;
  },
  '/free': (_, __, request) => withJson(request, () => {}),
  '/upload/image': (_, __, request) => receiveUpload(request),
};

/** ComfyUI's answer, or undefined for a route it does not have. */
export function answer(
  url: URL,
  state: ComfyState,
  request: IncomingMessage,
): ReturnType<Handler> | undefined {
  const paths = [url.pathname];
  // Every route is mirrored under /api, except the internal ones.
  if (/^\/api\/(?!internal\/)/.test(url.pathname)) paths.push(url.pathname.slice('/api'.length));
  for (const path of paths) {
    const found = at(path, url, state, request);
    if (found) return found;
  }
  return undefined;
}

function at(
  path: string,
  url: URL,
  state: ComfyState,
  request: IncomingMessage,
): ReturnType<Handler> | undefined {
  if (request.method === 'POST') return own(POSTS, path)?.(url, state, request);
  if (path === '/prompt' && request.method !== 'GET' && request.method !== 'HEAD') {
    return { status: 405, text: '405: Method Not Allowed', headers: { allow: 'GET,HEAD,POST' } };
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') return undefined;
  const recorded = recordedAnswers(state.version);
  return (
    own(GETS, path)?.(url, state, request) ??
    own(recorded, path + url.search) ??
    own(recorded, path) ??
    member(path, state, recorded)
  );
}

/** One thing of a collection: `/history/ID`, `/models/FOLDER`, `/object_info/CLASS`, `/api/jobs/ID`. */
function member(
  path: string,
  state: ComfyState,
  recorded: Record<string, RecordedAnswer>,
): ComfyAnswer | undefined {
  if (path === '/api/jobs' && state.version === '0.33.0') return listJobs(state.queue);
  const [, collection, name = ''] = /^(\/api\/jobs|\/\w+)\/([^/]+)$/.exec(path) ?? [];
  switch (collection) {
    case '/history':
      return json(pick(Object.fromEntries(state.queue.history), name));
    case '/object_info':
      return json(pick(recorded['/object_info']?.json as Record<string, unknown>, name));
    case '/models': {
      const folders = recorded['/models']?.json as string[];
      return folders.includes(name) ? json([]) : { status: 404 };
    }
    case '/view_metadata':
      return { status: 404 };
    case '/api/jobs':
      return state.version === '0.33.0' ? jobDetail(state.queue, name) : undefined;
    default:
      return undefined;
  }
}

function systemStats({ version, gpu }: ComfyState): ComfyAnswer {
  const recorded = recordedAnswers(version)['/system_stats']?.json as SystemStats;
  const vram = gpu.memory * 1024 ** 3;
  const devices = Array.from({ length: Math.min(gpu.count, 1) }, () => ({
    name: `cuda:0 ${gpu.id} : cudaMallocAsync`,
    type: 'cuda',
    index: 0,
    vram_total: vram,
    vram_free: vram - 512 * 1024 ** 2,
    torch_vram_total: 0,
    torch_vram_free: 0,
  }));
  const argv = ['main.py', '--listen', '0.0.0.0', '--port', '8188'];
  return json({ system: { ...recorded.system, pytorch_version: '2.8.0+cu128', argv }, devices });
}

function history(queue: JobQueue, maxItems: string | null): ComfyAnswer {
  if (maxItems !== null && !/^-?\d+$/.test(maxItems)) return TROUBLE;
  const entries = [...queue.history];
  return json(Object.fromEntries(maxItems === null ? entries : entries.slice(-Number(maxItems))));
}

function view(url: URL, queue: JobQueue): ComfyAnswer {
  const name = url.searchParams.get('filename') ?? '';
  const isOurs = queue.history.has(name.replace(/_00001_\.png$/, ''));
  return isOurs ? { status: 200, headers: { 'content-type': 'image/png' }, bytes: PIXEL } : { status: 404 };
}

async function withJson(
  request: IncomingMessage,
  act: (body: Record<string, unknown>) => void,
): Promise<ComfyAnswer> {
  const body = parseObject(await readBody(request));
  if (!body) return TROUBLE;
  act(body);
  return EMPTY_OK;
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  return Buffer.concat(await request.toArray());
}

function parseObject(body: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function json(value: unknown): ComfyAnswer {
  return { status: 200, json: value };
}

function names(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function own<T>(table: Record<string, T>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

function pick(table: Record<string, unknown>, key: string): Record<string, unknown> {
  return Object.hasOwn(table, key) ? { [key]: table[key] } : {};
}
