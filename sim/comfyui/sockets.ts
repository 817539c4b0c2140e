import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Job } from './job.ts';
import { writeJson } from './json.ts';

const JPEG = 1;
const PLAIN_PREVIEW = 1;
const PREVIEW_WITH_DETAILS = 4;

interface Client {
  socket: WebSocket;
  /** Whether it said that it reads what comes with a preview. */
  readsDetails: boolean;
}

interface SocketsOptions {
  queueRemaining: () => number;
  features: () => unknown;
}

/** The `/ws` side of ComfyUI: one socket a client id, which is told of the queue and of its own jobs. Nothing is
 * kept for a client that does not listen. */
export class Sockets {
  readonly #server = new WebSocketServer({ noServer: true });
  readonly #byClientId = new Map<string, Client>();
  readonly #options: SocketsOptions;
  /** Of the job that runs. */
  #running: { clientId: string | undefined; node: string | null } = { clientId: undefined, node: null };

  constructor(options: SocketsOptions) {
    this.#options = options;
  }

  upgrade(request: IncomingMessage, stream: Duplex, head: Buffer, url: URL): void {
    this.#server.handleUpgrade(request, stream as never, head, (socket) => this.#greet(socket, url));
  }

  beginJob(clientId: string | undefined): void {
    this.#running = { clientId, node: null };
  }

  endJob(): void {
    this.#running = { clientId: undefined, node: null };
  }

  /** Whether anybody is told of the progress of a job. */
  isHeard({ clientId }: Job): boolean {
    return clientId === undefined ? this.#byClientId.size > 0 : this.#byClientId.has(clientId);
  }

  /** To every client. */
  sayStatus(): void {
    if (this.#byClientId.size === 0) return;
    const status = { exec_info: { queue_remaining: this.#options.queueRemaining() } };
    this.#send(undefined, 'status', { status });
  }

  /** To the job's client, who alone hears it. Of an interrupt everybody does when the job has none. */
  tell({ clientId }: Job, type: string, data: Record<string, unknown>): void {
    if (clientId !== undefined || type === 'execution_interrupted') this.#send(clientId, type, data);
  }

  executing(job: Job, node: string | null): void {
    if (job.clientId === undefined) return;
    this.#running.node = node;
    const data = node === null ? { node } : { node, display_node: node };
    this.tell(job, 'executing', { ...data, prompt_id: job.id });
  }

  executed(job: Job, node: string, output: Record<string, unknown> | null): void {
    this.tell(job, 'executed', { node, display_node: node, output, prompt_id: job.id });
  }

  /** To the job's client, or to all when it has none. */
  progress({ clientId }: Job, type: string, data: Record<string, unknown>): void {
    this.#send(clientId, type, data);
  }

  /** A picture of the job so far, to those who read its details or to the others. */
  preview(
    { clientId }: Job,
    kind: 'withDetails' | 'plain',
    image: Buffer,
    details: Record<string, unknown>,
  ): void {
    const packet = kind === 'plain' ? plainPreview(image) : detailedPreview(image, details);
    for (const client of this.#listeners(clientId)) {
      if (client.readsDetails === (kind === 'withDetails')) client.socket.send(packet);
    }
  }

  #send(clientId: string | undefined, type: string, data: Record<string, unknown>): void {
    const listeners = this.#listeners(clientId);
    if (listeners.length === 0) return;
    const message = writeJson({ type, data });
    for (const { socket } of listeners) socket.send(message);
  }

  #listeners(clientId: string | undefined): Client[] {
    if (clientId === undefined) return [...this.#byClientId.values()];
    const client = this.#byClientId.get(clientId);
    return client ? [client] : [];
  }

  #greet(socket: WebSocket, url: URL): void {
    const sid = url.searchParams.get('clientId') || randomUUID().replaceAll('-', '');
    const client: Client = { socket, readsDetails: false };
    this.#byClientId.set(sid, client);
    socket.on('error', () => {});
    // As in ComfyUI: the end of an older socket with the same id silences the newer one.
    socket.once('close', () => this.#byClientId.delete(sid));
    const status = { exec_info: { queue_remaining: this.#options.queueRemaining() } };
    socket.send(JSON.stringify({ type: 'status', data: { status, sid } }));
    const { clientId, node } = this.#running;
    if (clientId === sid && node !== null) {
      socket.send(JSON.stringify({ type: 'executing', data: { node } }));
    }
    socket.once('message', (data) => this.#negotiate(client, String(data)));
    if (url.searchParams.get('echo') === '1') {
      socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    }
  }

  /** The first thing a client says may be what it can read. */
  #negotiate(client: Client, text: string): void {
    if (!text.includes('"feature_flags"')) return;
    try {
      const { type, data } = JSON.parse(text);
      if (type !== 'feature_flags') return;
      client.readsDetails = data?.supports_preview_metadata === true;
      client.socket.send(JSON.stringify({ type, data: this.#options.features() }));
    } catch {
      // Not JSON: ComfyUI logs it and goes on.
    }
  }
}

function plainPreview(image: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(PLAIN_PREVIEW, 0);
  head.writeUInt32BE(JPEG, 4);
  return Buffer.concat([head, image]);
}

function detailedPreview(image: Buffer, details: Record<string, unknown>): Buffer {
  const text = Buffer.from(JSON.stringify(details));
  const head = Buffer.alloc(8);
  head.writeUInt32BE(PREVIEW_WITH_DETAILS, 0);
  head.writeUInt32BE(text.length, 4);
  return Buffer.concat([head, text, image]);
}
