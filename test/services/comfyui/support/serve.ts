import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, createServer as createNetServer } from 'node:net';
import { ComfyUi } from '../../../../sim/comfyui/comfyui.ts';
import type { ComfyUiVersion } from '../../../../sim/comfyui/recorded.ts';
import type { ComfyScript } from '../../../../sim/comfyui/script.ts';
import type { Standing } from '../../../../src/services/comfyui/index.ts';

export const VERSIONS: ComfyUiVersion[] = ['0.3.64', '0.33.0'];
export const NEVER = new AbortController().signal;

export interface Served {
  way: { localPort: number };
  server: Server;
  /** `GET /queue`, in the order they came. */
  requests: { line: string; headers: IncomingMessage['headers'] }[];
  [Symbol.asyncDispose](): Promise<void>;
}

/** A server that answers by hand. */
export async function serve(handler: (...args: Parameters<RequestListener>) => unknown): Promise<Served> {
  const requests: Served['requests'] = [];
  const server = createServer((request, response) => {
    requests.push({ line: `${request.method} ${request.url}`, headers: request.headers });
    void (async () => handler(request, response))().catch((error: NodeJS.ErrnoException) => {
      // A body that its sender has cut.
      if (error.code !== 'ECONNRESET') throw error;
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const end = async () => {
    server.closeAllConnections();
    server.close();
  };
  return {
    way: { localPort: (server.address() as AddressInfo).port },
    server,
    requests,
    [Symbol.asyncDispose]: end,
  };
}

export interface Played {
  way: { localPort: number };
  comfyui: ComfyUi;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A ComfyUI that plays prompts. */
export async function play(script: Partial<ComfyScript> = {}): Promise<Played> {
  const comfyui = new ComfyUi({
    script: () => script,
    gpu: () => ({ id: 'NVIDIA L4', memory: 24, count: 1 }),
  });
  comfyui.start();
  const server = createNetServer((socket) => {
    socket.on('error', () => {});
    const stream = comfyui.connect();
    if (!stream) return void socket.destroy();
    stream.on('error', () => {}).once('close', () => socket.destroy());
    socket.once('close', () => stream.destroy());
    socket.pipe(stream).pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    way: { localPort: (server.address() as AddressInfo).port },
    comfyui,
    [Symbol.asyncDispose]: async () => {
      comfyui.stop();
      server.close();
    },
  };
}

// biome-ignore lint/suspicious/noExplicitAny: whatever was recorded.
export function recorded(version: ComfyUiVersion): Record<string, any> {
  const path = new URL(`../../../fixtures/comfyui/client-${version}.json`, import.meta.url);
  return JSON.parse(readFileSync(path, 'utf8'));
}

export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

export const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex');

/** The kind alone, for a claim about it. */
export const kindOf = async (standing: Promise<Standing>) => (await standing).kind;
