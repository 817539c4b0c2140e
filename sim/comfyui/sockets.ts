import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';

/** The `/ws` side of ComfyUI: one socket a client id, which is told of the queue and of its own jobs. */
export class Sockets {
  readonly #server = new WebSocketServer({ noServer: true });
  readonly #byClientId = new Map<string, WebSocket>();
  readonly #queueRemaining: () => number;

  constructor(queueRemaining: () => number) {
    this.#queueRemaining = queueRemaining;
  }

  upgrade(request: IncomingMessage, stream: Duplex, head: Buffer, url: URL): void {
    this.#server.handleUpgrade(request, stream as never, head, (socket) => this.#greet(socket, url));
  }

  /** To one client, or to all. */
  say(type: string, data: Record<string, unknown>, clientId?: string): void {
    const message = JSON.stringify({ type, data });
    for (const [id, socket] of this.#byClientId) {
      if (clientId === undefined || id === clientId) socket.send(message);
    }
  }

  #greet(socket: WebSocket, url: URL): void {
    const sid = url.searchParams.get('clientId') || randomUUID().replaceAll('-', '');
    this.#byClientId.set(sid, socket);
    socket.on('error', () => {});
    // As in ComfyUI: the end of an older socket with the same id silences the newer one.
    socket.once('close', () => this.#byClientId.delete(sid));
    const status = { exec_info: { queue_remaining: this.#queueRemaining() } };
    socket.send(JSON.stringify({ type: 'status', data: { status, sid } }));
    if (url.searchParams.get('echo') === '1') {
      socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    }
  }
}
