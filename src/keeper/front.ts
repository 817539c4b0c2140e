import { once } from 'node:events';
import { connect as connectTo, createServer, type Server, type Socket } from 'node:net';
import { pipeline } from 'node:stream';
import { AutopodError } from '../errors.ts';
import { portHolder } from './port-holder.ts';
import { refuseHttp } from './refusal.ts';

export interface FrontOptions {
  /** Milliseconds a connection is held while there is no way through. */
  holdMs: number;
  /** What a held connection is told in the end. */
  explain: () => { state: string; advice: string };
}

/**
 * The local port. It stays open while ssh is replaced behind it: each connection is joined to the Unix socket
 * of the ssh in use, and held while there is none.
 */
export class Front {
  readonly #options: FrontOptions;
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #held = new Set<() => void>();
  #way: string | undefined;
  bytesIn = 0;
  bytesOut = 0;
  lastActivityAt: number | undefined;

  constructor(options: FrontOptions) {
    this.#options = options;
  }

  /**
   * Listens on 127.0.0.1 and [::1]; with `auto` on the first free port from 8188 up. Throws `localPortTaken`
   * naming who has it.
   */
  async listen(port: number | 'auto'): Promise<number> {
    if (port !== 'auto') return this.#listenOn(port);
    for (let candidate = 8188; ; candidate++) {
      try {
        return await this.#listenOn(candidate);
      } catch (error) {
        if (!(error instanceof AutopodError) || candidate >= 8188 + 200) throw error;
      }
    }
  }

  async #listenOn(port: number): Promise<number> {
    const opened: Server[] = [];
    for (const host of ['127.0.0.1', '::1']) {
      const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) =>
        this.#accept(socket),
      );
      try {
        server.listen({ port, host, exclusive: true });
        await once(server, 'listening');
        opened.push(server);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        // A machine without IPv6 has no [::1] to listen on.
        if (host === '::1' && (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT')) continue;
        for (const other of opened) other.close();
        throw code === 'EADDRINUSE'
          ? new AutopodError('localPortTaken', { port, ...portHolder(port) })
          : error;
      }
    }
    this.#servers.push(...opened);
    return port;
  }

  /** The Unix socket connections go to from now on; undefined holds them. */
  set way(socket: string | undefined) {
    this.#way = socket;
    if (socket === undefined) return;
    for (const release of [...this.#held]) release();
  }

  /** Closes the port and every connection through it. */
  async close(): Promise<void> {
    const closed = this.#servers.splice(0).map((server) => {
      server.close();
      return once(server, 'close');
    });
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closed);
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    if (this.#way === undefined) this.#hold(socket);
    else this.#join(socket, this.#way);
  }

  #hold(socket: Socket): void {
    const letGo = () => {
      clearTimeout(timer);
      this.#held.delete(release);
    };
    const release = () => {
      letGo();
      socket.off('close', letGo);
      if (!socket.destroyed && this.#way !== undefined) this.#join(socket, this.#way);
    };
    const timer = setTimeout(() => {
      letGo();
      refuseHttp(socket, this.#options.explain());
    }, this.#options.holdMs);
    this.#held.add(release);
    socket.once('close', letGo);
  }

  #join(local: Socket, path: string): void {
    const remote = connectTo({ path, allowHalfOpen: true });
    this.#sockets.add(remote);
    remote.once('close', () => this.#sockets.delete(remote));
    // Nothing has been read from the client yet, so a dead ssh costs it nothing but time.
    const holdInstead = () => {
      if (this.#way === path) this.way = undefined;
      if (!local.destroyed) this.#hold(local);
    };
    remote.once('error', holdInstead);
    remote.once('connect', () => {
      remote.off('error', holdInstead);
      this.#pipe(local, remote);
    });
  }

  #pipe(local: Socket, remote: Socket): void {
    if (local.destroyed) return void remote.destroy();
    const ignore = () => undefined;
    remote.on('error', ignore);
    remote.once('close', () => {
      if (!local.writableEnded) local.destroy();
    });
    local.on('data', (chunk: Buffer) => this.#count('bytesOut', chunk));
    remote.on('data', (chunk: Buffer) => this.#count('bytesIn', chunk));
    pipeline(local, remote, ignore);
    pipeline(remote, local, ignore);
  }

  #count(direction: 'bytesIn' | 'bytesOut', chunk: Buffer): void {
    this[direction] += chunk.length;
    this.lastActivityAt = Date.now();
  }
}
