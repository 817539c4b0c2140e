import type { IncomingMessage } from 'node:http';
import { type ComfyAnswer, EMPTY_OK, TROUBLE } from './answer.ts';
import { readBody, tooLarge } from './body.ts';
import type { Storage } from './files/storage.ts';
import { receiveUpload } from './files/upload.ts';
import { view } from './files/view.ts';
import { history } from './history.ts';
import { type JobQueue, queueItem } from './jobs.ts';
import { cancelJob, jobDetail, listJobs } from './jobs-api.ts';
import type { NodeClasses } from './nodes/classes.ts';
import { type RecordedAnswer, recordedAnswers } from './recorded.ts';
import type { ComfyScript } from './script.ts';
import { submitPrompt } from './submit.ts';

/** What the routes of ComfyUI answer from. */
export interface ComfyState {
  script: ComfyScript;
  queue: JobQueue;
  classes: NodeClasses;
  storage: Storage;
  gpu: { id: string; memory: number; count: number };
}

interface SystemStats {
  system: Record<string, unknown>;
}

type Handler = (url: URL, state: ComfyState, request: IncomingMessage) => ComfyAnswer | Promise<ComfyAnswer>;

const GETS: Record<string, Handler> = {
  '/system_stats': (_, state) => systemStats(state),
  '/extensions': (_, { script }) => json(script.extensions),
  '/object_info': (_, { classes }) => json(classes.all()),
  '/queue': (_, { queue }) =>
    json({ queue_running: queue.running.map(queueItem), queue_pending: queue.pending.map(queueItem) }),
  '/prompt': (_, { queue }) => json({ exec_info: { queue_remaining: queue.remaining } }),
  '/history': (url, { queue }) => history(queue, url.searchParams),
  '/view': (url, { storage, script }, { headers }) =>
    view(storage, script.version, { query: url.searchParams, headers }),
  '/ws': () => ({ status: 400, text: 'No WebSocket UPGRADE hdr: None\n Can "Upgrade" only to "WebSocket".' }),
  '/sim-bytes': (url) => ({
    status: 200,
    headers: { 'content-type': 'application/octet-stream' },
    bytes: Buffer.alloc(Number(url.searchParams.get('n') ?? 0), 'x'),
  }),
};

const POSTS: Record<string, Handler> = {
  '/prompt': async (_, state, request) => {
    const body = await readBody(request, state.script.maxBodyBytes);
    if (body.isTooLong) return tooLarge(body);
    const { storage, script } = state;
    const hasInputFile = (name: string) => hasFile(storage, name);
    return submitPrompt({ ...state, version: script.version, hasInputFile }, body.bytes);
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
    const body = parseObject(await wholeBody(request)) ?? {};
    if (Array.isArray(body)) return TROUBLE;
    const id = body.prompt_id;
    queue.interrupt(typeof id === 'string' ? id : undefined);
    return EMPTY_OK;
  },
  '/free': (_, __, request) => withJson(request, () => {}),
  '/upload/image': (_, state, request) => upload(state, request),
  '/upload/mask': (_, state, request) => upload(state, request),
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
  if (request.method === 'POST') return own(POSTS, path)?.(url, state, request) ?? cancel(path, state);
  if (path === '/prompt' && request.method !== 'GET' && request.method !== 'HEAD') {
    return { status: 405, text: '405: Method Not Allowed', headers: { allow: 'GET,HEAD,POST' } };
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') return undefined;
  const recorded = recordedAnswers(state.script.version);
  return (
    own(GETS, path)?.(url, state, request) ??
    member(path, url, state, recorded) ??
    own(recorded, path + url.search) ??
    own(recorded, path)
  );
}

/** One thing of a collection: `/history/ID`, `/models/FOLDER`, `/object_info/CLASS`, `/api/jobs/ID`. */
function member(
  path: string,
  url: URL,
  { queue, classes, script }: ComfyState,
  recorded: Record<string, RecordedAnswer>,
): ComfyAnswer | undefined {
  const hasJobs = script.version === '0.33.0';
  if (path === '/api/jobs' && hasJobs) return listJobs(queue, url.searchParams);
  const [, collection, name = ''] = /^(\/api\/jobs|\/\w+)\/([^/]+)$/.exec(path) ?? [];
  switch (collection) {
    case '/history': {
      const entry = queue.history.get(name);
      return json(entry ? { [name]: entry } : {});
    }
    case '/object_info': {
      const definition = classes.get(decodeURIComponent(name));
      return json(definition ? { [definition.name]: definition } : {});
    }
    case '/models': {
      const folders = recorded['/models']?.json as string[];
      return folders.includes(name) ? json(script.models[name] ?? []) : { status: 404 };
    }
    case '/view_metadata':
      return { status: 404 };
    case '/api/jobs':
      return hasJobs ? jobDetail(queue, name) : undefined;
    default:
      return undefined;
  }
}

function cancel(path: string, { queue, script }: ComfyState): ComfyAnswer | undefined {
  const id = /^\/api\/jobs\/([^/]+)\/cancel$/.exec(path)?.[1];
  return id !== undefined && script.version === '0.33.0' ? cancelJob(queue, id) : undefined;
}

async function upload({ storage, script }: ComfyState, request: IncomingMessage): Promise<ComfyAnswer> {
  return receiveUpload(storage, request, await readBody(request, script.maxBodyBytes));
}

/** Whether a loader finds the file: in the input folder, or in the one named behind it: `a.png [output]`. */
function hasFile(storage: Storage, name: string): boolean {
  const [, path = '', type = 'input'] = /^(.*?)(?: \[(input|output|temp)\])?$/s.exec(name) ?? [];
  return storage.has(type as 'input', path);
}

function systemStats({ script, gpu }: ComfyState): ComfyAnswer {
  const recorded = recordedAnswers(script.version)['/system_stats']?.json as SystemStats;
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

async function withJson(
  request: IncomingMessage,
  act: (body: Record<string, unknown>) => void,
): Promise<ComfyAnswer> {
  const body = parseObject(await wholeBody(request));
  if (!body) return TROUBLE;
  act(body);
  return EMPTY_OK;
}

async function wholeBody(request: IncomingMessage): Promise<Buffer> {
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
