import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket, WebSocketServer } from 'ws';

/** Messages told to whoever attaches later. */
const MAX_KEPT = 200;
const MAX_MESSAGE_BYTES = 1024 * 1024;

/** Passes what each WebSocket sends on to all others, as Stately's own server does, but keeps only its messages. */
export class Relay {
  #server: Promise<WebSocketServer> | undefined;
  #kept: string[] = [];

  /** Takes a connection that has been let in already. */
  async accept(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    this.#server ??= import('ws').then(
      ({ WebSocketServer: Server }) => new Server({ noServer: true, maxPayload: MAX_MESSAGE_BYTES }),
    );
    const server = await this.#server;
    server.handleUpgrade(request, socket, head, (client) => this.#join(client, server));
  }

  async close(): Promise<void> {
    for (const client of (await this.#server)?.clients ?? []) client.terminate();
  }

  #join(client: WebSocket, { clients }: WebSocketServer): void {
    for (const message of this.#kept) client.send(message);
    client.on('error', () => client.terminate());
    client.on('message', (data) => {
      const message = data.toString();
      if (!isInspection(message)) return;
      this.#kept = [...this.#kept, message].slice(-MAX_KEPT);
      for (const other of clients)
        if (other !== client && other.readyState === other.OPEN) other.send(message);
    });
  }
}

function isInspection(message: string): boolean {
  try {
    return /^@xstate\./.test(JSON.parse(message)?.type);
  } catch {
    return false;
  }
}
