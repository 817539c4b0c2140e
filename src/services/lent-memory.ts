/**
 * Memory that is read into, lent until what is in it has been written on. Node would take new memory for each piece of a
 * stream, faster than it gives it back.
 */
export class LentMemory {
  readonly #pieceBytes: number;
  readonly #mostKept: number;
  readonly #kept: Uint8Array[] = [];

  constructor(pieceBytes: number, mostKept: number) {
    this.#pieceBytes = pieceBytes;
    this.#mostKept = mostKept;
  }

  take(): Uint8Array {
    return this.#kept.pop() ?? Buffer.allocUnsafeSlow(this.#pieceBytes);
  }

  giveBack(piece: Uint8Array): void {
    if (this.#kept.length < this.#mostKept) this.#kept.push(piece);
  }
}
