import type { Socket } from 'node:net';
import { Exchange } from './exchange.ts';
import { Opening } from './opening.ts';

export interface JointEvents {
  onBytes: (direction: 'in' | 'out', count: number) => void;
  /** It ended before the answer to what the client said last; the client still waits. `wasKept`: others were answered before. */
  onUnanswered: (opening: Opening, wasKept: boolean) => void;
  /** It ended between two requests: the client keeps its side, and may ask again. */
  onIdle: () => void;
  /** Whether another ssh has taken over. */
  isSuperseded: () => boolean;
}

/** One client joined to one ssh: bytes both ways, half-closed sides and backpressure included. */
export class Joint {
  /** The Unix socket of the ssh it goes through. */
  readonly path: string;
  readonly #local: Socket;
  readonly #remote: Socket;
  readonly #events: JointEvents;
  readonly #exchange = new Exchange();
  #opening: Opening;
  #isAnswered = false;
  #wasKept = false;
  #isLeaving = false;
  #takenBefore = 0;
  /** Pieces of the client's since it began what it says now. */
  #pieces = 0;

  constructor(path: string, local: Socket, remote: Socket, opening: Opening, events: JointEvents) {
    this.path = path;
    this.#local = local;
    this.#remote = remote;
    this.#opening = opening;
    this.#events = events;
    this.#clientToPod();
    this.#podToClient();
  }

  /** Gives up the connection if its request may be asked again elsewhere, or if it has none. */
  moveOn(): void {
    if (this.#isBetween || (!this.#isAnswered && this.#opening.canRepeat)) this.#leave();
  }

  /** Whether ssh has taken some of an upload that waits for it, since this was asked last. */
  isTaken(): boolean {
    const { bytesWritten, writableLength } = this.#remote;
    const taken = bytesWritten - writableLength;
    const hasMoved = writableLength > 0 && taken > this.#takenBefore;
    this.#takenBefore = taken;
    return hasMoved;
  }

  /** Passes on bytes of the pod's and tells when they are written; false where the client has enough for now. */
  pass(bytes: Uint8Array, written: () => void): boolean {
    const [local, remote] = [this.#local, this.#remote];
    this.#isAnswered = true;
    this.#exchange.answer(bytes);
    this.#events.onBytes('in', bytes.length);
    const isReady = local.write(bytes, written);
    if (!isReady) local.once('drain', () => remote.resume());
    return isReady;
  }

  get #isBetween(): boolean {
    return this.#isAnswered && this.#exchange.isIdle && !this.#local.readableEnded;
  }

  #clientToPod(): void {
    const [local, remote, opening] = [this.#local, this.#remote, this.#opening];
    opening.send();
    if (opening.bytes.length > 0) {
      this.#pieces = 1;
      this.#exchange.ask(opening.bytes);
      remote.write(opening.bytes);
    }
    local.on('data', this.#said);
    local.once('close', this.#closed);
    if (local.readableEnded) remote.end();
    else local.pipe(remote);
  }

  #podToClient(): void {
    const [local, remote] = [this.#local, this.#remote];
    // What a connection ends with is told by `close`. A first piece that meets a closed socket has not gone out.
    remote.on('error', ({ code }: NodeJS.ErrnoException) => {
      if (code === 'EPIPE' && this.#pieces === 1 && !this.#isAnswered) this.#opening.takeBack();
    });
    remote.once('end', () => {
      if (this.#isAnswered && !this.#isBetween) local.end();
      else remote.destroy();
    });
    remote.once('close', () => this.#part());
  }

  #part(): void {
    const local = this.#local;
    local.off('data', this.#said);
    local.off('close', this.#closed);
    local.unpipe(this.#remote);
    if (local.destroyed) return;
    if (this.#isBetween) this.#events.onIdle();
    else if (!this.#isAnswered) this.#events.onUnanswered(this.#opening, this.#wasKept);
    else if (!local.writableEnded) local.destroy();
  }

  #leave(): void {
    this.#isLeaving = true;
    this.#local.pause();
    this.#remote.destroy();
  }

  readonly #said = (chunk: Buffer) => {
    if (this.#isBetween && !this.#isLeaving) this.#askAnew();
    this.#pieces += 1;
    this.#exchange.ask(chunk);
    if (!this.#isAnswered) this.#opening.add(chunk);
    if (!this.#isLeaving) this.#events.onBytes('out', chunk.length);
  };

  // The next request on a connection that is kept alive. It is not put into an ssh that has a successor.
  #askAnew(): void {
    this.#opening = new Opening();
    this.#isAnswered = false;
    this.#wasKept = true;
    this.#pieces = 0;
    if (this.#events.isSuperseded()) this.#leave();
    else this.#opening.send();
  }

  readonly #closed = () => this.#remote.destroy();
}
