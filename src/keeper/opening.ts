import { isHarmlessRequest } from './harmless.ts';

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

  /** Nothing has gone out, or one request that may be asked twice: a server may have begun what was lost on the way. */
  get canRepeat(): boolean {
    return !this.#isSent || this.#bytes.length === 0 || this.isHarmless;
  }

  /** One GET or HEAD that is known to change nothing, without a body. */
  get isHarmless(): boolean {
    return this.#isWhole && isHarmlessRequest(this.#bytes.toString('latin1'));
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

  /** The system took none of it: nothing has gone out after all. */
  takeBack(): void {
    this.#isSent = !this.#isWhole;
  }
}

/** Whether a request of HTTP begins here; of a long request line a part is enough. */
export function beginsRequest(bytes: Uint8Array): boolean {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, MAX_BYTES)).toString(
    'latin1',
  );
  const [line = '', ...more] = text.split('\n', 2);
  return more.length > 0
    ? /^[A-Z]+ \S+ HTTP\/1\./.test(line)
    : /^[A-Z]{3,} \/\S*( HTTP\/1\.\d\r?)?$/.test(line);
}
