const MAX_BYTES = 64 * 1024;

/** What a client has sent before anything came back: enough to ask again when the ssh it went into has died. */
export class Opening {
  #bytes: Buffer;
  #isWhole = true;

  constructor(bytes: Buffer = Buffer.alloc(0)) {
    this.#bytes = bytes;
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  get isHttp(): boolean {
    return /^[A-Z]+ \S+ HTTP\/1\./.test(this.#text(1024));
  }

  /** Nothing, or one GET or HEAD without a body: what HTTP lets a client repeat (RFC 9110, 9.2.2). */
  get canRepeat(): boolean {
    if (!this.#isWhole) return false;
    if (this.#bytes.length === 0) return true;
    const text = this.#text(MAX_BYTES);
    return /^(GET|HEAD) \S+ HTTP\/1\./.test(text) && text.indexOf('\r\n\r\n') === text.length - 4;
  }

  add(chunk: Buffer): void {
    if (this.#bytes.length + chunk.length > MAX_BYTES) this.#isWhole = false;
    if (this.#isWhole) this.#bytes = Buffer.concat([this.#bytes, chunk]);
  }

  #text(length: number): string {
    return this.#bytes.toString('latin1', 0, length);
  }
}
