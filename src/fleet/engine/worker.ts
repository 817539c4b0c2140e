import { once } from 'node:events';
import { createServer, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { AutopodError } from '../../errors.ts';
import { VERSION } from '../../version.ts';
import { callObject, type Places } from './ask.ts';
import { register } from './deployments.ts';
import type { Durable } from './durable.ts';
import { durableObject } from './object.ts';
import { createEndpointHandler } from './sdk.ts';

/**
 * The layout of what handlers write into the engine's journal, and of what a fleet keeps. A call that was begun under one
 * is not gone on with under another. It is part of the worker's address, as the version is, by which the engine tells
 * them apart.
 */
export const LAYOUT = 2;

export interface WorkerOptions {
  places: Places;
  // biome-ignore lint/suspicious/noExplicitAny: each has a context of its own.
  durables: Durable<any>[];
  /** Virtual objects that are no machines. */
  objects?: NonNullable<Parameters<typeof createEndpointHandler>[0]['services']>;
  /** Of autopod. */
  version?: string;
  /** Port of loopback; 0 for any. The engine goes on with calls that were cut off at the port they were begun at. */
  port: number;
  /** Where it listens, and under which name the engine reaches it; loopback where left out. */
  host?: string | undefined;
  /** Public keys of servers whose calls are taken; with none, everybody's on this machine. */
  identityKeys?: string[];
  log?: (line: string) => void;
  /** Awaited before the engine knows of it. */
  onListening?: (uri: string) => Promise<void>;
}

export interface Worker {
  readonly port: number;
  /** Where the engine calls it. */
  readonly uri: string;
  /** Names of what is served. */
  readonly objects: string[];
  /** Has the engine call it, and no other, for all that is begun from now on. Throws `engineUnreachable`. */
  register: () => Promise<void>;
  /** Ends all work here and takes no more: it waits for the next worker. */
  stop: () => Promise<void>;
}

/** Serves machines on loopback, and has the server know of it. Throws `engineUnreachable`. */
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  const { places, durables, objects = [], host = '127.0.0.1', identityKeys, log = () => undefined } = options;
  const { version = VERSION } = options;
  const ends = new AbortController();
  const services = durables.map((durable) =>
    durableObject(durable, {
      ends: ends.signal,
      tell: (key, told) => callObject(places, { object: durable.name, key, handler: 'told' }, told),
    }),
  );
  const sessions = new Set<ServerHttp2Session>();
  const handler = createEndpointHandler({
    services: [...services, ...objects],
    ...(identityKeys && { identityKeys }),
    logger: ({ level }, message, ...more) => {
      if (level === 'warn' || level === 'error') log([message, ...more].map(String).join(' '));
    },
  });
  const server = createServer((request, response) => {
    if (request.url.startsWith(`/${LAYOUT}/`)) handler(request, response);
    // Whoever wrote that journal has to go on with it.
    else response.writeHead(503).end(`calls of layout ${LAYOUT} only`);
  });
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
    session.on('error', () => undefined); // the server went; it comes again by itself
  });
  await listen(server.listen(options.port, host), options.port);
  const { port } = server.address() as AddressInfo;
  let stopped: Promise<unknown> | undefined;
  const stop = async () => {
    stopped ??= end();
    await stopped;
  };
  const end = async () => {
    ends.abort();
    const closed = once(server, 'close');
    server.close();
    for (const session of sessions) session.destroy();
    await closed;
  };
  const uri = `http://${host.includes(':') ? `[${host}]` : host}:${port}/${LAYOUT}/${version}`;
  const names = [...services, ...objects].map(({ name }) => name);
  const worker = { port, uri, objects: names, register: () => register(places, uri), stop };
  try {
    await options.onListening?.(uri);
    await worker.register();
  } catch (error) {
    await stop();
    throw error;
  }
  return worker;
}

async function listen(server: ReturnType<typeof createServer>, port: number): Promise<void> {
  try {
    await once(server, 'listening');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE') throw error;
    // What was begun goes on at this port only.
    const detail = `port ${port} of this machine, at which its calls are answered, is taken by something else`;
    throw new AutopodError('engineUnreachable', { detail });
  }
}
