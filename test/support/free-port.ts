import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the ports that the system gives to connections going out, which come and go. */
const FIRST = 8_400;
const LAST = 9_999;

/** A port of loopback that nobody has now. `auto` begins at 8188, which other tests ask for by name. */
export async function freePort(): Promise<string> {
  for (;;) {
    const port = randomInt(FIRST, LAST + 1);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return String(port);
  }
}
