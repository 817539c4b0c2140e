import { randomInt } from 'node:crypto';
import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';

const HOST = '127.0.0.1';
// Below the ephemeral ranges of Linux and macOS: a client polling a closed port there can connect to itself.
const FIRST_PORT = 20_000;
const LAST_PORT = 32_767;
const MAX_ATTEMPTS = 100;

/** A port that is ours while nothing listens on it: no other simulator on this machine will choose it. */
export interface ReservedPort {
  port: number;
  release(): void;
}

/** Picks a free TCP port and reserves it by holding the UDP port of the same number. */
export async function reservePort(): Promise<ReservedPort> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const port = randomInt(FIRST_PORT, LAST_PORT + 1);
    const claim = await claimUdp(port);
    if (!claim) continue;
    if (await isTcpFree(port)) return { port, release: () => claim.close() };
    claim.close();
  }
  throw new Error(`no free port between ${FIRST_PORT} and ${LAST_PORT}`);
}

async function claimUdp(port: number): Promise<dgram.Socket | undefined> {
  const socket = dgram.createSocket('udp4');
  try {
    socket.bind({ port, address: HOST, exclusive: true });
    await once(socket, 'listening');
    socket.unref();
    return socket;
  } catch {
    socket.close();
    return undefined;
  }
}

async function isTcpFree(port: number): Promise<boolean> {
  const server = net.createServer();
  try {
    server.listen({ port, host: HOST, exclusive: true });
    await once(server, 'listening');
    server.close();
    await once(server, 'close');
    return true;
  } catch {
    return false;
  }
}
