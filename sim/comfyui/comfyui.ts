import { randomInt } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { type Duplex, duplexPair } from 'node:stream';
import { requestUrl } from '../url.ts';
import { EMPTY_OK, send, sendFaulty, sendUnknown } from './answer.ts';
import { Execution } from './execution.ts';
import { Storage } from './files/storage.ts';
import { INSTEAD } from './instead.ts';
import { JobQueue } from './jobs.ts';
import { NodeClasses } from './nodes/classes.ts';
import type { Made } from './nodes/task.ts';
import { isForeign } from './origin.ts';
import { type ComfyUiVersion, recordedAnswers } from './recorded.ts';
import { answer } from './routes.ts';
import { type ComfyFaults, type ComfyScript, DEFAULT_SCRIPT, noFaults, type ViewFault } from './script.ts';
import { Sockets } from './sockets.ts';

/** `down` refuses connections, `hanging` takes them and never answers. */
export type ComfyUiState = 'down' | 'up' | 'hanging';

interface ComfyUiOptions {
  /** What differs from the default. */
  script: () => Partial<ComfyScript>;
  gpu: () => { id: string; memory: number; count: number };
}

/** A ComfyUI that answers as recorded and plays prompts. It listens nowhere: `connect` is the only way in. */
export class ComfyUi {
  readonly queue: JobQueue;
  /** Its folders: what a restart leaves. */
  readonly storage = new Storage();
  /** What goes wrong. */
  readonly faults: ComfyFaults = noFaults();
  /** What differs from the script in this one. */
  readonly overrides: Partial<ComfyScript> = {};
  readonly #options: ComfyUiOptions;
  readonly #sockets: Sockets;
  readonly #http: Server;
  readonly #connections = new Set<Duplex>();
  readonly #cache = new Map<string, Made>();
  #temporarySuffix = newSuffix();
  #state: ComfyUiState = 'down';
  /** Whether objects it answers have NaN and -Infinity in them. */
  writesNaN = false;
  /** What answers in its place. */
  instead: keyof typeof INSTEAD | undefined;

  constructor(options: ComfyUiOptions) {
    this.#options = options;
    this.#sockets = new Sockets({
      queueRemaining: () => this.queue.remaining,
      features: () => recordedAnswers(this.version)['/features']?.json,
    });
    this.queue = new JobQueue({
      run: (job, signal) => new Execution(job, this.#surroundings(), signal).run(),
      historyLagMs: () => this.script.historyLagMs,
      changed: () => this.#sockets.sayStatus(),
      ended: (job) => {
        this.#sockets.executing(job, null);
        this.#sockets.endJob();
      },
    });
    this.#http = createServer({ requireHostHeader: false }, (request, response) =>
      this.#answer(request, response),
    );
    this.#http.on('upgrade', (request, stream, head) => this.#upgrade(request, stream, head));
    this.#http.on('clientError', (_error, stream) => stream.destroy());
  }

  get script(): ComfyScript {
    return { ...DEFAULT_SCRIPT, ...this.#options.script(), ...this.overrides };
  }

  get version(): ComfyUiVersion {
    return this.script.version;
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

  /** The process is gone: connections cut, queue, history and what it had cached forgotten. */
  stop(): void {
    this.#state = 'down';
    this.queue.reset();
    this.#cache.clear();
    this.storage.clearTemporary();
    this.#temporarySuffix = newSuffix();
    for (const connection of this.#connections) connection.destroy();
    this.#connections.clear();
  }

  /** A connection to port 8188 of the pod; null when the port is closed. */
  connect(): Duplex | null {
    if (this.#state === 'down') return null;
    if (this.script.at !== null) return connectionTo(new URL(this.script.at));
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
    const { faults } = this;
    const isPrompt = request.method === 'POST' && /^(\/api)?\/prompt$/.test(requestUrl(request).pathname);
    if (isPrompt && faults.droppedPrompts > 0) {
      faults.droppedPrompts -= 1;
      response.destroy();
      return;
    }
    Promise.resolve(this.#decide(request)).then(
      (reply) => {
        if (!reply) return sendUnknown(response);
        if (isPrompt && reply.status === 200 && faults.lostAnswers > 0) {
          faults.lostAnswers -= 1;
          return void response.destroy();
        }
        const fault = reply.content && request.method === 'GET' ? this.#viewFault() : null;
        if (fault) return sendFaulty(response, reply, fault);
        send(response, reply, request.method !== 'HEAD', this.writesNaN);
      },
      () => response.destroy(),
    );
  }

  #viewFault(): ViewFault | null {
    const { view } = this.faults;
    if (!view || view.times === null) return view;
    view.times -= 1;
    if (view.times <= 0) this.faults.view = null;
    return view;
  }

  #decide(request: IncomingMessage): ReturnType<typeof answer> {
    const { script, queue, storage } = this;
    if (this.instead) return INSTEAD[this.instead];
    if (isForeign(request.headers, script.version)) return { status: 403 };
    if (request.method === 'OPTIONS') return EMPTY_OK;
    storage.isFull = this.faults.diskFull;
    const state = { script, queue, storage, classes: this.#classes(script), gpu: this.#options.gpu() };
    return answer(requestUrl(request), state, request);
  }

  #classes({ version, models }: ComfyScript): NodeClasses {
    return new NodeClasses(version, { models, inputFiles: () => this.storage.list('input') });
  }

  #surroundings(): ConstructorParameters<typeof Execution>[1] {
    const { script, storage } = this;
    storage.isFull = this.faults.diskFull;
    return {
      script,
      storage,
      classes: this.#classes(script),
      sockets: this.#sockets,
      cache: this.#cache,
      temporarySuffix: this.#temporarySuffix,
      failure: this.faults.failures.shift(),
    };
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

/** Five letters, as ComfyUI draws them. */
function newSuffix(): string {
  return Array.from({ length: 5 }, () => String.fromCharCode(97 + randomInt(25))).join('');
}

function connectionTo({ hostname, port }: URL): Duplex {
  const connection = connect(Number(port || 80), hostname);
  return connection.on('error', () => connection.destroy());
}
