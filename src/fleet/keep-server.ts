import { setTimeout as sleep } from 'node:timers/promises';
import { type Server, type ServerOptions, startServer } from './engine/server.ts';

/** Milliseconds before Restate's server is started again once it has ended by itself. */
const AGAIN_MS = 1_000;

export interface KeptServer {
  stop: () => Promise<void>;
  /** Leaves it running, and to whoever serves next. */
  leave: () => Promise<void>;
}

/** Starts Restate's server, and again whenever it ends by itself: what was begun goes on from what it has kept. */
export async function keepServer(
  options: ServerOptions,
  { log, signal }: { log: (line: string) => void; signal: AbortSignal },
): Promise<KeptServer> {
  let server: Server = await startServer(options);
  const left = new AbortController();
  const isLeft = AbortSignal.any([left.signal, signal]);
  const watch = async () => {
    while (!isLeft.aborted) {
      await server.ended;
      if (isLeft.aborted) return;
      log("Restate's server has ended by itself; it is started again");
      await sleep(AGAIN_MS, undefined, { signal: isLeft }).catch(() => undefined);
      if (!isLeft.aborted) {
        server = await startServer(options).catch((error: Error) => {
          log(`Restate's server does not start: ${error.message}`);
          return server;
        });
      }
    }
  };
  const watching = watch();
  return {
    stop: async () => {
      left.abort();
      const known = server;
      await known.stop();
      await watching;
      // Another one may have been on its start meanwhile.
      if (server !== known) await server.stop();
    },
    leave: async () => {
      left.abort();
      server.leave();
    },
  };
}
