const MAX_BYTES = 64 * 1024;
/** Enough of a request to tell that it is one. */
const HEAD_BYTES = 1024;

/** What a client has said since the last answer: enough to ask again when the ssh it went into has died. */
export class Opening {
  /** By performance.now(): until then it is held, however often it has to be. */
  heldUntil: number | undefined;
  #bytes: Buffer = Buffer.alloc(0);
  #isWhole = true;
  #isSent = false;

  get bytes(): Buffer {
    return this.#bytes;
  }

  /** As much as is kept: who says more is listened to once somebody takes it. */
  get isFull(): boolean {
    return this.#bytes.length >= MAX_BYTES;
  }

  get isHttp(): boolean {
    return beginsRequest(this.#bytes);
  }

  /**
   * Nothing has gone out, or one GET or HEAD without a body: what HTTP lets a client repeat (RFC 9110, 9.2.2).
   */
  get canRepeat(): boolean {
    return !this.#isSent || this.#bytes.length === 0 || this.isRepeatableRequest;
  }

  get isRepeatableRequest(): boolean {
    const text = this.#isWhole ? this.#bytes.toString('latin1') : '';
    return /^(GET|HEAD) \S+ HTTP\/1\./.test(text) && text.indexOf('\r\n\r\n') === text.length - 4;
  }

  add(chunk: Buffer): void {
    if (!this.#isWhole) return;
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    if (!this.#isSent || this.#bytes.length <= MAX_BYTES) return;
    this.#isWhole = false;
    this.#bytes = Buffer.from(this.#bytes.subarray(0, HEAD_BYTES));
  }

  /** What it holds, and what is added from now on, goes out. */
  send(): void {
    this.#isSent = true;
  }
}

export function beginsRequest(bytes: Buffer): boolean {
  return /^[A-Z]+ \S+ HTTP\/1\./.test(bytes.toString('latin1', 0, HEAD_BYTES));
}
