import { once } from 'node:events';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import ssh2, { type Connection } from 'ssh2';
import { authorize } from './authorize.ts';
import { Files } from './files.ts';
import { join } from './join.ts';
import type { Machine } from './machine.ts';
import { type ReservedPort, reservePort } from './port.ts';
import { serveSession } from './session.ts';

const HOST = '127.0.0.1';
const COMFYUI_PORT = 8188;
const LOCAL_NAMES = new Set(['127.0.0.1', 'localhost', '::1', '0.0.0.0']);
// sshd does not probe its clients unless told to; ssh2 cannot be told not to.
const MAX_TIMER_MS = 2 ** 31 - 1;

/** How a pod's sshd behaves: `off` until the pod runs, and the rest at the control route's word. */
export type SshdState = 'off' | 'up' | 'refusing' | 'frozen';

interface SshdOptions {
  /** The text of `authorized_keys`. */
  publicKeys: () => string;
  /** A connection to the pod's ComfyUI, or null when its port is closed. */
  connectComfyUi: () => Duplex | null;
  machine: () => Machine;
  /** The private key of this start. */
  hostKey: () => string;
}

/** A pod's own sshd, on a loopback port that changes at each start. */
export class Sshd {
  readonly #options: SshdOptions;
  readonly #files = new Files();
  readonly #sockets = new Set<net.Socket>();
  readonly #held = new Set<net.Socket>();
  #reserved: ReservedPort | null = null;
  #listener: net.Server | null = null;
  #server: ssh2.Server | null = null;
  #state: SshdState = 'off';
  #generation = 0;

  constructor(options: SshdOptions) {
    this.#options = options;
  }

  get host(): string {
    return HOST;
  }

  /** The public port, known before sshd accepts; null when the pod is off. */
  get port(): number | null {
    return this.#reserved?.port ?? null;
  }

  get state(): SshdState {
    return this.#state;
  }

  get connectionCount(): number {
    return this.#sockets.size;
  }

  /** Chooses the port and the host key of this start. */
  async prepare(): Promise<void> {
    const generation = this.#generation;
    const reserved = await reservePort();
    if (generation !== this.#generation) {
      reserved.release();
      return;
    }
    this.#reserved = reserved;
    const keepaliveInterval = MAX_TIMER_MS;
    this.#server = new ssh2.Server({
      hostKeys: [this.#options.hostKey()],
      ident: 'OpenSSH_9.6',
      keepaliveInterval,
    });
    this.#server.on('connection', (connection: Connection) => this.#serve(connection));
  }

  /** Begins, or begins again, to accept connections. */
  async listen(): Promise<void> {
    const generation = this.#generation;
    const port = this.port;
    if (port === null) return;
    this.#thaw();
    if (!this.#listener) {
      const listener = net.createServer((socket) => this.#accept(socket));
      this.#listener = listener;
      listener.listen({ port, host: HOST, exclusive: true });
      await once(listener, 'listening');
      if (generation !== this.#generation) {
        listener.close();
        return;
      }
    }
    this.#state = 'up';
  }

  /** Closes the port; connections that are up stay up. */
  refuse(): void {
    const listener = this.#listener;
    if (this.#state === 'off') return;
    this.#thaw();
    this.#state = 'refusing';
    this.#listener = null;
    // Its callback waits for the last connection; the port itself is closed at once.
    listener?.close();
  }

  /** Keeps every connection and says nothing on any of them. */
  freeze(): void {
    if (this.#state === 'off') return;
    this.#state = 'frozen';
    for (const socket of this.#sockets) {
      socket.pause();
      socket.cork();
    }
  }

  /** Cuts every connection that is up. */
  dropAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Cuts everything and gives up the port. */
  async stop(): Promise<void> {
    this.#generation += 1;
    this.#state = 'off';
    const listener = this.#listener;
    this.#listener = null;
    this.dropAll();
    this.#reserved?.release();
    this.#reserved = null;
    this.#server = null;
    if (listener?.listening) {
      listener.close();
      await once(listener, 'close');
    }
  }

  #accept(socket: net.Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => {
      this.#sockets.delete(socket);
      this.#held.delete(socket);
    });
    socket.setNoDelay(true);
    if (this.#state === 'frozen') this.#held.add(socket);
    else this.#server?.injectSocket(socket);
  }

  #thaw(): void {
    if (this.#state !== 'frozen') return;
    this.#state = 'up';
    for (const socket of this.#sockets) {
      socket.uncork();
      if (this.#held.delete(socket)) this.#server?.injectSocket(socket);
      else socket.resume();
    }
  }

  #serve(connection: Connection): void {
    connection.on('error', () => {});
    connection.on('authentication', (context) => authorize(context, this.#options.publicKeys()));
    connection.on('session', (accept) => serveSession(accept(), this.#options.machine, this.#files));
    connection.on('request', (_accept: unknown, reject: (() => void) | undefined) => reject?.());
    connection.on('tcpip', (accept, reject, { destIP, destPort }) => {
      const isComfyUi = LOCAL_NAMES.has(destIP) && destPort === COMFYUI_PORT;
      const stream = isComfyUi ? this.#options.connectComfyUi() : null;
      // ssh2 answers a rejected channel with CONNECT_FAILED, as sshd does for a closed port.
      if (stream) join(accept(), stream);
      else reject();
    });
  }
}
