import type { Socket } from 'node:net';
import type { Opening } from './opening.ts';

export interface JointEvents {
  onBytes: (direction: 'in' | 'out', count: number) => void;
  /** It ended and not one byte had come back; the client still waits. */
  onUnanswered: () => void;
}

/** One client joined to one ssh: bytes both ways, half-closed sides and backpressure included. */
export class Joint {
  /** The Unix socket of the ssh it goes through. */
  readonly path: string;
  readonly #local: Socket;
  readonly #remote: Socket;
  readonly #opening: Opening;
  readonly #events: JointEvents;
  #isAnswered = false;

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
    if (!this.#isAnswered && this.#opening.canRepeat) this.#remote.destroy();
  }

  #clientToPod(): void {
    const [local, remote, opening] = [this.#local, this.#remote, this.#opening];
    if (opening.bytes.length > 0) remote.write(opening.bytes);
    local.on('data', this.#sent);
    local.once('close', this.#closed);
    if (local.readableEnded) remote.end();
    else local.pipe(remote);
  }

  #podToClient(): void {
    const [local, remote] = [this.#local, this.#remote];
    // What a connection ends with is told by `close`.
    remote.on('error', () => undefined);
    remote.on('data', (chunk: Buffer) => {
      this.#isAnswered = true;
      this.#events.onBytes('in', chunk.length);
    });
    remote.pipe(local, { end: false });
    remote.once('end', () => {
      if (this.#isAnswered) local.end();
      else remote.destroy();
    });
    remote.once('close', () => this.#part());
  }

  #part(): void {
    const local = this.#local;
    local.off('data', this.#sent);
    local.off('close', this.#closed);
    local.unpipe(this.#remote);
    if (local.destroyed) return;
    if (!this.#isAnswered) this.#events.onUnanswered();
    else if (!local.writableEnded) local.destroy();
  }

  readonly #sent = (chunk: Buffer) => {
    this.#events.onBytes('out', chunk.length);
    if (!this.#isAnswered) this.#opening.add(chunk);
  };

  readonly #closed = () => this.#remote.destroy();
}
