import { LentMemory } from '../services/lent-memory.ts';

const SIZE = 128 * 1024;
/** A piece up to this size is copied: a client that takes none shall not hold a whole buffer for each. */
const SMALL = 16 * 1024;
const MAX_KEPT = 32;

/** Memory that sockets read into. */
export class Buffers {
  readonly #memory = new LentMemory(SIZE, MAX_KEPT);

  /**
   * How a socket reads (`onread` of net.connect): `pass` gets each piece, may refuse more for now, and calls `written`
   * when it is done with it. `close` is to be called when the socket is closed.
   */
  reader(pass: (bytes: Uint8Array, written: () => void) => boolean) {
    let next = this.#memory.take();
    return {
      onread: {
        buffer: () => next,
        callback: (length: number, buffer: Uint8Array) => {
          if (length <= SMALL) return pass(Buffer.from(buffer.subarray(0, length)), () => undefined);
          next = this.#memory.take();
          return pass(buffer.subarray(0, length), () => this.#memory.giveBack(buffer));
        },
      },
      close: () => this.#memory.giveBack(next),
    };
  }
}
