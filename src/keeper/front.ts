import { once } from 'node:events';
import { connect as connectTo, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { steadyMs } from '../clock.ts';
import { AutopodError } from '../errors.ts';
import { usualLocalPort } from '../services/usual-local-port.ts';
import { Buffers } from './buffers.ts';
import { Joint } from './joint.ts';
import { Opening } from './opening.ts';
import { portHolder } from './port-holder.ts';
import { refuseHttp } from './refusal.ts';
import { takesConnections } from './takes-connections.ts';
import type { Explanation } from './tunnel-words.ts';
import { wayTo } from './way-to.ts';

export interface FrontOptions {
  /** Milliseconds a connection is held while there is no way through and one is on its way. */
  holdMs: number;
  /** What a client is told in the end: there is no way through, or there is and the pod's port does not answer. */
  explain: (reason: 'noWay' | 'noAnswer') => Explanation;
}

/** Enough in the way of buffers that a fast stream is not stopped and started again with each piece of it. */
const STREAM = { allowHalfOpen: true, highWaterMark: 512 * 1024 };
/** Milliseconds until an ssh that took no connection is offered it again. */
const RETRY_MS = 50;
/** Milliseconds in which the death of an ssh is known, counted from the end of a connection through it. */
const NOTICED_MS = 200;
/** Milliseconds between two times at which the last activity is noted. */
const NOTE_MS = 250;

/**
 * The local port. It stays open while ssh is replaced behind it: each connection is joined to the Unix socket
 * of the ssh in use, and held while there is none.
 */
export class Front {
  readonly #options: FrontOptions;
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #buffers = new Buffers();
  /** By what lets one go to the way there is: what refuses it. */
  readonly #held = new Map<() => void, () => void>();
  readonly #joints = new Set<Joint>();
  readonly #heardAt = new Map<string, number>();
  #way: string | undefined;
  #isAwaited = true;
  #retry: NodeJS.Timeout | undefined;
  #noting: NodeJS.Timeout | undefined;
  bytesIn = 0;
  bytesOut = 0;
  /** By `steadyMs()`. */
  lastActivityAt: number | undefined;

  constructor(options: FrontOptions) {
    this.#options = options;
  }

  /**
   * Listens on 127.0.0.1 and [::1]; with `auto` on the first free port from the usual one up. Throws `localPortTaken`
   * naming who has it.
   */
  async listen(port: number | 'auto'): Promise<number> {
    if (port !== 'auto') return this.#listenOn(port);
    const first = usualLocalPort();
    for (let candidate = first; ; candidate++) {
      try {
        return await this.#listenOn(candidate);
      } catch (error) {
        if (!(error instanceof AutopodError) || candidate >= Math.min(first + 200, 65_535)) throw error;
      }
    }
  }

  async #listenOn(port: number): Promise<number> {
    const opened: Server[] = [];
    for (const host of ['127.0.0.1', '::1']) {
      const server = createServer({ ...STREAM, pauseOnConnect: true }, (socket) => this.#accept(socket));
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
    this.#heardAt.clear();
    if (socket === undefined) return;
    for (const joint of this.#joints) if (joint.path !== socket) joint.moveOn();
    this.#releaseHeld();
  }

  /** Whether a way is on its way. While none is, nobody is held: who asks, and who is held already, is told at once. */
  set isAwaited(isAwaited: boolean) {
    this.#isAwaited = isAwaited;
    if (!isAwaited) for (const refuse of [...this.#held.values()]) refuse();
  }

  /** Whether a client is still joined to this Unix socket. */
  uses(path: string): boolean {
    return [...this.#joints].some((joint) => joint.path === path);
  }

  /** When bytes last came through this Unix socket, or waiting ones were seen to go, by performance.now(). */
  flowedAt(path: string): number {
    const isTaken = [...this.#joints].filter((joint) => joint.path === path && joint.isTaken()).length > 0;
    if (isTaken) this.#heardAt.set(path, performance.now());
    return this.#heardAt.get(path) ?? Number.NEGATIVE_INFINITY;
  }

  get isListening(): boolean {
    return this.#servers.length > 0;
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

  get way(): string | undefined {
    return this.#way;
  }

  #releaseHeld(): void {
    if (this.#way === undefined) return;
    for (const release of [...this.#held.keys()]) release();
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    if (this.#way === undefined) this.#hold(socket);
    else this.#join(socket, this.#way);
  }

  /** Keeps a client that has its answers and asks nothing, until it does. */
  #keep(socket: Socket): void {
    const letGo = () => {
      socket.off('data', onData).off('end', onEnd).off('close', letGo).pause();
    };
    const onData = (chunk: Buffer) => {
      letGo();
      const opening = new Opening();
      opening.add(chunk);
      if (this.#way === undefined) this.#hold(socket, opening);
      else this.#join(socket, this.#way, opening);
    };
    const onEnd = () => {
      letGo();
      socket.end();
    };
    socket.on('data', onData).once('end', onEnd).once('close', letGo).resume();
  }

  #hold(socket: Socket, opening = new Opening()): void {
    const listen = (chunk: Buffer) => {
      opening.add(chunk);
      if (opening.isFull) socket.pause();
    };
    const letGo = () => {
      clearTimeout(timer);
      this.#held.delete(release);
      socket.off('data', listen).off('end', onEnd).off('close', letGo).pause();
    };
    const release = () => {
      letGo();
      if (!socket.destroyed && this.#way !== undefined) this.#join(socket, this.#way, opening);
    };
    const refuse = () => {
      letGo();
      refuseHttp(socket, opening.bytes, this.#options.explain('noWay'));
    };
    // Who has hung up, and whose request may change something, shall not have it done behind their back.
    const onEnd = () => {
      if (opening.isHttp && !opening.isHarmless) refuse();
    };
    opening.heldUntil ??= performance.now() + this.#options.holdMs;
    const leftMs = this.#isAwaited ? opening.heldUntil - performance.now() : 0;
    const timer = setTimeout(refuse, leftMs);
    this.#held.set(release, refuse);
    socket.on('data', listen).once('end', onEnd).once('close', letGo);
    if (socket.readableEnded) onEnd();
    else if (!opening.isFull) socket.resume();
  }

  #join(local: Socket, path: string, opening = new Opening()): void {
    let joint: Joint | undefined;
    const { onread, close } = this.#buffers.reader((bytes, written) => joint?.pass(bytes, written) ?? false);
    const remote = connectTo({ path: wayTo(path), ...STREAM, onread });
    this.#sockets.add(remote);
    remote.once('close', () => {
      this.#sockets.delete(remote);
      close();
    });
    // Nothing has gone out yet: a dead ssh, or one with a full backlog, costs the client nothing but time.
    const holdInstead = () => {
      if (!local.destroyed) this.#hold(local, opening);
      this.#retry ??= setTimeout(() => {
        this.#retry = undefined;
        this.#releaseHeld();
      }, RETRY_MS).unref();
    };
    remote.once('error', holdInstead);
    remote.once('connect', () => {
      remote.off('error', holdInstead);
      if (local.destroyed) return void remote.destroy();
      joint = new Joint(path, local, remote, opening, {
        onBytes: (direction, count) => this.#count(path, direction, count),
        onUnanswered: (asked, wasKept) => void this.#unanswered(local, path, asked, wasKept),
        onIdle: () => this.#keep(local),
        isSuperseded: () => this.#way !== undefined && this.#way !== path,
      });
      this.#joints.add(joint);
      remote.once('close', () => joint && this.#joints.delete(joint));
    });
  }

  /**
   * The connection ended without an answer. If its ssh has died, a request that may be repeated waits for the
   * next one; if not, it is the pod's port that does not answer.
   */
  async #unanswered(local: Socket, path: string, opening: Opening, wasKept: boolean): Promise<void> {
    local.pause();
    // ComfyUI may have closed a connection that was kept, just as the client asked: it is asked on another one.
    if (wasKept && this.#way === path && opening.canRepeat) return this.#join(local, path, opening);
    const noticedBy = performance.now() + NOTICED_MS;
    while (this.#way === path && performance.now() < noticedBy && !local.destroyed) await sleep(10);
    const isAlive = this.#way === path && (await takesConnections(path));
    if (local.destroyed) return;
    // A client that has not asked yet may be about to: a port that is closed on the pod is told of sooner than that.
    const mayBeHttp = opening.isHttp || opening.bytes.length === 0;
    if (isAlive && mayBeHttp) refuseHttp(local, opening.bytes, this.#options.explain('noAnswer'));
    else if (isAlive || !opening.canRepeat) local.destroy();
    else if (this.#way === undefined) this.#hold(local, opening);
    else this.#join(local, this.#way, opening);
  }

  #count(path: string, direction: 'in' | 'out', count: number): void {
    if (direction === 'in') {
      this.bytesIn += count;
      this.#heardAt.set(path, performance.now());
    } else this.bytesOut += count;
    this.#note();
  }

  // The clock is a file of the system's: a fast stream does not read it with each piece.
  #note(): void {
    if (this.#noting) return;
    this.lastActivityAt = steadyMs();
    this.#noting = setTimeout(() => {
      this.#noting = undefined;
      this.lastActivityAt = steadyMs();
    }, NOTE_MS).unref();
  }
}
