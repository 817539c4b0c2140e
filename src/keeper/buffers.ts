const SIZE = 128 * 1024;
/** A piece up to this size is copied: a client that takes none shall not hold a whole buffer for each. */
const SMALL = 16 * 1024;
const MAX_KEPT = 32;

/**
 * Memory that sockets read into, lent until what is in it has been written on. Node would take new memory for each
 * piece of a stream, faster than it gives it back.
 */
export class Buffers {
  readonly #kept: Uint8Array[] = [];

  /**
   * How a socket reads (`onread` of net.connect): `pass` gets each piece, may refuse more for now, and calls `written`
   * when it is done with it. `close` is to be called when the socket is closed.
   */
  reader(pass: (bytes: Uint8Array, written: () => void) => boolean) {
    let next = this.#take();
    return {
      onread: {
        buffer: () => next,
        callback: (length: number, buffer: Uint8Array) => {
          if (length <= SMALL) return pass(Buffer.from(buffer.subarray(0, length)), () => undefined);
          next = this.#take();
          return pass(buffer.subarray(0, length), () => this.#giveBack(buffer));
        },
      },
      close: () => this.#giveBack(next),
    };
  }

  #take(): Uint8Array {
    return this.#kept.pop() ?? Buffer.allocUnsafeSlow(SIZE);
  }

  #giveBack(buffer: Uint8Array): void {
    if (this.#kept.length < MAX_KEPT) this.#kept.push(buffer);
  }
}
