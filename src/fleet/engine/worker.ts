import { once } from 'node:events';
import { createServer, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { AutopodError } from '../../errors.ts';
import { askRestate, callObject, type Places } from './ask.ts';
import type { Durable } from './durable.ts';
import { durableObject } from './object.ts';
import { createEndpointHandler } from './sdk.ts';

/**
 * The layout of what handlers write into the engine's journal. A call that was begun under one is not to be gone on with
 * under another; it is part of the worker's address, by which the engine tells them apart.
 */
const JOURNAL_LAYOUT = 1;

export interface WorkerOptions {
  places: Places;
  // biome-ignore lint/suspicious/noExplicitAny: each has a context of its own.
  durables: Durable<any>[];
  /** Virtual objects that are no machines. */
  objects?: NonNullable<Parameters<typeof createEndpointHandler>[0]['services']>;
  /** Port of loopback; 0 for any. The engine goes on with calls that were cut off at the port they were begun at. */
  port: number;
  /** Where it listens, and under which name the engine reaches it; loopback where left out. */
  host?: string | undefined;
  /** Public keys of servers whose calls are taken; with none, everybody's on this machine. */
  identityKeys?: string[];
  log?: (line: string) => void;
}

export interface Worker {
  readonly port: number;
  /** Ends all work here and takes no more: it waits for the next worker. */
  stop: () => Promise<void>;
}

/** Serves machines on loopback, and has the server know of it. Throws `engineUnreachable`. */
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  const { places, durables, objects = [], host = '127.0.0.1', identityKeys, log = () => undefined } = options;
  const ends = new AbortController();
  const services = durables.map((durable) =>
    durableObject(durable, {
      ends: ends.signal,
      tell: (key, told) => callObject(places, { object: durable.name, key, handler: 'told' }, told),
    }),
  );
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer(
    createEndpointHandler({
      services: [...services, ...objects],
      ...(identityKeys && { identityKeys }),
      logger: ({ level }, message, ...more) => {
        if (level === 'warn' || level === 'error') log([message, ...more].map(String).join(' '));
      },
    }),
  );
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
    session.on('error', () => undefined); // the server went; it comes again by itself
  });
  await listen(server.listen(options.port, host), options.port);
  const { port } = server.address() as AddressInfo;
  const stop = async () => {
    ends.abort();
    const closed = once(server, 'close');
    server.close();
    for (const session of sessions) session.destroy();
    await closed;
  };
  try {
    const uri = `http://${host.includes(':') ? `[${host}]` : host}:${port}/${JOURNAL_LAYOUT}`;
    await askRestate(places.admin, 'deployments', { json: { uri, force: true } });
  } catch (error) {
    await stop();
    throw error;
  }
  return { port, stop };
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
