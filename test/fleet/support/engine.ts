import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findServerBinary } from '../../../src/fleet/engine/binary.ts';
import { serverIdentity } from '../../../src/fleet/engine/identity.ts';
import { type Server, startServer } from '../../../src/fleet/engine/server.ts';

/** Restate's server, where npm has put one; tests that need it are skipped without. */
export const serverBinary = findServerBinary(tmpdir());

/** What takes a minute is left to `npm run test:fleet`. */
export const isWholeAsked = Boolean(serverBinary && process.env.AUTOPOD_TEST_FLEET);

if (!serverBinary)
  process.stderr.write('skipped: the tests of a fleet, as @restatedev/restate-server is not installed\n');

export interface TestServer {
  server: Server;
  folder: string;
  identityKeys: string[];
  /** Starts it on what it has kept, as after `server.stop()` or a kill. */
  startAgain: () => Promise<Server>;
  end: () => Promise<void>;
}

/** A real server on sockets of its own. */
export async function startTestServer(env: NodeJS.ProcessEnv = process.env): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), 'ap-'));
  const identityPath = join(folder, 'identity.pem');
  const identityKeys = [serverIdentity(identityPath)];
  const start = () =>
    startServer({ folder: join(folder, 'r'), binary: serverBinary ?? '', identityPath, env });
  const world: TestServer = {
    server: await start(),
    folder,
    identityKeys,
    startAgain: async () => {
      world.server = await start();
      return world.server;
    },
    end: async () => {
      process.kill(world.server.pid, 'SIGKILL');
      await world.server.ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return world;
}
