import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type Duplex, duplexPair } from 'node:stream';
import { requestUrl } from '../url.ts';
import { EMPTY_OK, send, sendUnknown } from './answer.ts';
import { INSTEAD } from './instead.ts';
import { JobQueue } from './jobs.ts';
import { isForeign } from './origin.ts';
import type { ComfyUiVersion } from './recorded.ts';
import { answer } from './routes.ts';
import { Sockets } from './sockets.ts';

/** `down` refuses connections, `hanging` takes them and never answers. */
export type ComfyUiState = 'down' | 'up' | 'hanging';

interface ComfyUiOptions {
  version: () => ComfyUiVersion;
  jobMs: () => number;
  extensions: () => readonly string[];
  gpu: () => { id: string; memory: number; count: number };
}

/** A ComfyUI that answers as recorded. It listens nowhere: `connect` is the only way in. */
export class ComfyUi {
  readonly queue: JobQueue;
  readonly #options: ComfyUiOptions;
  readonly #sockets: Sockets;
  readonly #http: Server;
  readonly #connections = new Set<Duplex>();
  #state: ComfyUiState = 'down';
  /** Whether objects it answers have NaN and -Infinity in them. */
  writesNaN = false;
  /** What answers in its place. */
  instead: keyof typeof INSTEAD | undefined;

  constructor(options: ComfyUiOptions) {
    this.#options = options;
    this.#sockets = new Sockets(() => this.queue.remaining);
    this.queue = new JobQueue(options.jobMs, (...message) => this.#sockets.say(...message));
    this.#http = createServer({ requireHostHeader: false }, (request, response) =>
      this.#answer(request, response),
    );
    this.#http.on('upgrade', (request, stream, head) => this.#upgrade(request, stream, head));
    this.#http.on('clientError', (_error, stream) => stream.destroy());
  }

  get version(): ComfyUiVersion {
    return this.#options.version();
  }

  get state(): ComfyUiState {
    return this.#state;
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  start(): void {
    this.#state = 'up';
  }

  /** From now on new connections are taken and never answered. */
  hang(): void {
    this.#state = 'hanging';
  }

  /** The process is gone: connections cut, queue and history forgotten. */
  stop(): void {
    this.#state = 'down';
    this.queue.reset();
    for (const connection of this.#connections) connection.destroy();
    this.#connections.clear();
  }

  /** A connection to port 8188 of the pod; null when the port is closed. */
  connect(): Duplex | null {
    if (this.#state === 'down') return null;
    const [ours, theirs] = duplexPair();
    this.#connections.add(ours);
    ours.on('error', () => {});
    // A pair does not end its other side when one is destroyed.
    ours.once('close', () => {
      this.#connections.delete(ours);
      theirs.destroy();
    });
    theirs.once('close', () => ours.destroy());
    if (this.#state === 'up') this.#http.emit('connection', ours);
    return theirs;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    Promise.resolve(this.#decide(request)).then(
      (reply) =>
        reply ? send(response, reply, request.method !== 'HEAD', this.writesNaN) : sendUnknown(response),
      () => response.destroy(),
    );
  }

  #decide(request: IncomingMessage): ReturnType<typeof answer> {
    const { version, gpu, extensions } = this.#options;
    if (this.instead) return INSTEAD[this.instead];
    if (isForeign(request.headers, version())) return { status: 403 };
    if (request.method === 'OPTIONS') return EMPTY_OK;
    const state = { version: version(), queue: this.queue, gpu: gpu(), extensions: extensions() };
    return answer(requestUrl(request), state, request);
  }

  #upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    const url = requestUrl(request);
    const isRefused = isForeign(request.headers, this.version);
    if (!isRefused && /^(\/api)?\/ws$/.test(url.pathname)) {
      this.#sockets.upgrade(request, stream, head, url);
      return;
    }
    const status = isRefused ? '403 Forbidden' : '404 Not Found';
    stream.end(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
  }
}
