import type { Socket } from 'node:net';
import { beginsRequest, Opening } from './opening.ts';

export interface JointEvents {
  onBytes: (direction: 'in' | 'out', count: number) => void;
  /** It ended before the answer to what the client said last; the client still waits. */
  onUnanswered: (opening: Opening) => void;
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
  #opening: Opening;
  #isAnswered = false;
  /** The last byte was the pod's, so that a request may follow. */
  #isClientsTurn = false;
  #isLeaving = false;
  #takenBefore = 0;

  constructor(path: string, local: Socket, remote: Socket, opening: Opening, events: JointEvents) {
    this.path = path;
    this.#local = local;
    this.#remote = remote;
    this.#opening = opening;
    this.#events = events;
    this.#clientToPod();
    this.#podToClient();
  }

  /** Gives up the connection if its request may be asked again elsewhere. */
  moveOn(): void {
    if (!this.#isAnswered && this.#opening.canRepeat) this.#leave();
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
    this.#isClientsTurn = true;
    this.#events.onBytes('in', bytes.length);
    const isReady = local.write(bytes, written);
    if (!isReady) local.once('drain', () => remote.resume());
    return isReady;
  }

  #clientToPod(): void {
    const [local, remote, opening] = [this.#local, this.#remote, this.#opening];
    opening.send();
    if (opening.bytes.length > 0) remote.write(opening.bytes);
    local.on('data', this.#said);
    local.once('close', this.#closed);
    if (local.readableEnded) remote.end();
    else local.pipe(remote);
  }

  #podToClient(): void {
    const [local, remote] = [this.#local, this.#remote];
    // What a connection ends with is told by `close`.
    remote.on('error', () => undefined);
    remote.once('end', () => {
      if (this.#isAnswered) local.end();
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
    if (!this.#isAnswered) this.#events.onUnanswered(this.#opening);
    else if (!local.writableEnded) local.destroy();
  }

  #leave(): void {
    this.#isLeaving = true;
    this.#local.pause();
    this.#remote.destroy();
  }

  readonly #said = (chunk: Buffer) => {
    if (this.#isAnswered && this.#isClientsTurn && beginsRequest(chunk)) this.#askAnew();
    this.#isClientsTurn = false;
    if (!this.#isAnswered) this.#opening.add(chunk);
    if (!this.#isLeaving) this.#events.onBytes('out', chunk.length);
  };

  // The next request on a connection that is kept alive. It is not put into an ssh that has a successor.
  #askAnew(): void {
    this.#opening = new Opening();
    this.#isAnswered = false;
    if (this.#events.isSuperseded()) this.#leave();
    else this.#opening.send();
  }

  readonly #closed = () => this.#remote.destroy();
}
