import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { AutopodError } from '../errors.ts';
import { HEADERS, isKey, refusalOf } from './guard.ts';
import { PAGE_TYPES, pageFolder } from './page-folder.ts';
import { Relay } from './relay.ts';
import { tellTunnels } from './stately-tunnels.ts';
import type { Look, Looks } from './watch.ts';

export interface Inspector {
  /** The page; its key lets in whoever knows it. */
  url: string;
  /** Leads to the page once, so that the key need not stand on a browser's command line. */
  entry: string;
  /** WebSocket of the relay for Stately's inspector. */
  stately: string;
  close(): Promise<void>;
}

const PING_MS = 15_000;
/** A page that does not read is let go rather than kept in memory. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

/** Serves the page on loopback. Port 0 is any free one. Throws `localPortTaken`. */
export async function serveInspector(watch: Looks, port: number): Promise<Inspector> {
  const key = randomBytes(16).toString('hex');
  let ticket: string | undefined = randomBytes(16).toString('hex');
  const server = createServer((request, response) => {
    void answer(request, response).catch(() => end(response, 500));
  });

  const relay = new Relay((tell) => tellTunnels(watch, tell).end);
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    const isLetIn = refusalOf(request, portOf(server)) === undefined && isAt(request, key, 'stately');
    if (isLetIn) void relay.accept(request, socket, head).catch(() => socket.destroy());
    else socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n');
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refusal = refusalOf(request, portOf(server));
    if (refusal !== undefined) return end(response, refusal);
    const [given, name] = pathOf(request);
    if (ticket !== undefined && isKey(given, ticket)) {
      ticket = undefined;
      return end(response, 302, { location: `/${key}/` });
    }
    if (!isKey(given, key)) return end(response, 404);
    if (name === 'events' && request.method === 'GET') return stream(request, response, watch);
    await sendFile(response, name || 'index.html');
  }

  await listen(server, port);
  const origin = `http://127.0.0.1:${portOf(server)}`;
  return {
    url: `${origin}/${key}/`,
    entry: `${origin}/${ticket}/`,
    stately: `${origin.replace('http:', 'ws:')}/${key}/stately`,
    close: async () => {
      await relay.close();
      server.close();
      server.closeAllConnections();
    },
  };
}

function pathOf({ url = '' }: IncomingMessage): [given: string, name: string] {
  const [, given = '', name = ''] = url.split('?')[0]?.split('/') ?? [];
  return [given, name];
}

function isAt(request: IncomingMessage, key: string, wanted: string): boolean {
  const [given, name] = pathOf(request);
  return isKey(given, key) && name === wanted;
}

async function sendFile(response: ServerResponse, name: string): Promise<void> {
  const [, extension = ''] = /^[a-z-]+\.(html|css|js|json|svg)$/.exec(name) ?? [];
  const type = PAGE_TYPES[extension];
  const body = type && (await readFile(join(pageFolder(), name)).catch(() => undefined));
  if (!type || !body) return end(response, 404);
  response.writeHead(200, { ...HEADERS, 'content-type': type, 'content-length': body.length });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

function stream(request: IncomingMessage, response: ServerResponse, watch: Looks): void {
  response.writeHead(200, { ...HEADERS, 'content-type': 'text/event-stream' });
  response.write('retry: 1000\n\n');
  const send = (look: Look) => {
    if (response.writableLength > MAX_WAITING_BYTES) response.destroy();
    else response.write(`data: ${JSON.stringify(look)}\n\n`);
  };
  const unlisten = watch.listen(send);
  const ping = setInterval(() => response.write(': still here\n\n'), PING_MS);
  request.once('close', () => {
    clearInterval(ping);
    unlisten();
  });
}

function end(response: ServerResponse, status: number, headers: Record<string, string> = {}): void {
  if (!response.headersSent) response.writeHead(status, { ...HEADERS, ...headers });
  response.end();
}

async function listen(server: Server, port: number): Promise<void> {
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE' && code !== 'EACCES') throw error;
    throw new AutopodError('localPortTaken', { port, option: '--port' });
  }
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
