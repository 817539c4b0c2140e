import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket, WebSocketServer } from 'ws';

/** Kept for whoever attaches later. */
const MAX_KEPT_BYTES = 4 * 1024 * 1024;
const MAX_MESSAGE_BYTES = 1024 * 1024;
/** A client that reads so much too slowly is let go. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024;

/** Header by which the relay says that it tells the tunnels itself. */
export const TELLS_TUNNELS = 'autopod-tells-tunnels';

interface Inspection {
  type: string;
  sessionId?: string;
}

interface Kept extends Inspection {
  text: string;
}

/**
 * Passes what each WebSocket sends on to all others, as Stately's own server does, but only its messages.
 * `begin` is called when the first one has joined and may tell them more; its answer is called when the last has left.
 */
export class Relay {
  readonly #begin: (tell: (message: Inspection) => void) => () => void;
  #server: Promise<WebSocketServer> | undefined;
  #kept: Kept[] = [];
  #end: (() => void) | undefined;

  constructor(begin: (tell: (message: Inspection) => void) => () => void = () => () => undefined) {
    this.#begin = begin;
  }

  /** Takes a connection that has been let in already. */
  async accept(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    this.#server ??= import('ws').then(({ WebSocketServer: Server }) =>
      new Server({ noServer: true, maxPayload: MAX_MESSAGE_BYTES }).on('headers', (headers) =>
        headers.push(`${TELLS_TUNNELS}: yes`),
      ),
    );
    const server = await this.#server;
    server.handleUpgrade(request, socket, head, (client) => this.#join(client, server));
  }

  async close(): Promise<void> {
    for (const client of (await this.#server)?.clients ?? []) client.terminate();
  }

  #join(client: WebSocket, { clients }: WebSocketServer): void {
    for (const { text } of this.#kept) client.send(text);
    client.on('error', () => client.terminate());
    client.on('message', (data) => {
      const text = data.toString();
      const message = inspectionIn(text);
      if (message) this.#pass({ ...message, text }, clients, client);
    });
    client.on('close', () => {
      if (clients.size > 0) return;
      this.#end?.();
      this.#end = undefined;
    });
    this.#end ??= this.#begin((message) =>
      this.#pass({ ...message, text: JSON.stringify(message) }, clients),
    );
  }

  #pass({ type, sessionId, text }: Kept, clients: Set<WebSocket>, from?: WebSocket): void {
    this.#keep({ type, ...(sessionId !== undefined && { sessionId }), text });
    for (const client of clients) {
      if (client === from || client.readyState !== client.OPEN) continue;
      if (client.bufferedAmount > MAX_WAITING_BYTES) client.terminate();
      else client.send(text);
    }
  }

  // Without the message that introduces an actor its other messages mean nothing, so those go first.
  #keep(message: Kept): void {
    const begins = isActor(message);
    const others = this.#kept.filter(({ sessionId }) => !begins || sessionId !== message.sessionId);
    this.#kept = [...others, message];
    let bytes = this.#kept.reduce((sum, { text }) => sum + text.length, 0);
    while (bytes > MAX_KEPT_BYTES) {
      const at = Math.max(
        0,
        this.#kept.findIndex((kept) => !isActor(kept)),
      );
      bytes -= this.#kept.splice(at, 1)[0]?.text.length ?? bytes;
    }
  }
}

function isActor({ type }: Inspection): boolean {
  return type === '@xstate.actor';
}

function inspectionIn(text: string): Inspection | undefined {
  try {
    const value = JSON.parse(text);
    return /^@xstate\./.test(value?.type) ? value : undefined;
  } catch {
    return undefined;
  }
}
