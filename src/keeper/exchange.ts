import { type Body, type Head, HttpMessages } from './http-messages.ts';

/**
 * The requests and answers on one connection: whether it is between two of them. A connection that carries something
 * else, or has become something else, as a WebSocket does, is never.
 */
export class Exchange {
  readonly #asked: HttpMessages;
  readonly #answered: HttpMessages;
  /** Methods of the requests whose answers are not complete. */
  readonly #open: string[] = [];
  #isPersistent = true;

  constructor() {
    this.#asked = new HttpMessages({
      onHead: (head) => this.#lengthOfRequest(head),
      onEnd: () => undefined,
    });
    this.#answered = new HttpMessages({
      onHead: (head) => this.#lengthOfAnswer(head),
      onEnd: () => void this.#open.shift(),
    });
  }

  ask(bytes: Uint8Array): void {
    if (this.#isHttp) this.#asked.read(bytes);
  }

  answer(bytes: Uint8Array): void {
    if (this.#isHttp) this.#answered.read(bytes);
  }

  /** Whether all that was asked has its whole answer, and both sides keep the connection for what may be asked next. */
  get isIdle(): boolean {
    const isBetween = this.#asked.isBetween && this.#answered.isBetween && this.#open.length === 0;
    return this.#isHttp && this.#isPersistent && isBetween;
  }

  get #isHttp(): boolean {
    return this.#asked.isFollowed && this.#answered.isFollowed;
  }

  #lengthOfRequest({ word, isPersistent, isChunked, length }: Head): Body | undefined {
    if (/^\d/.test(word) || word === 'CONNECT') return undefined;
    this.#open.push(word);
    this.#isPersistent &&= isPersistent;
    return isChunked ? 'chunked' : (length ?? 0);
  }

  #lengthOfAnswer({ word, isPersistent, isChunked, length }: Head): Body | 'skip' | undefined {
    const [method] = this.#open;
    // 101: another protocol from here on. An answer that nobody asked for: not understood.
    if (!/^\d/.test(word) || word === '101' || method === undefined) return undefined;
    if (word.startsWith('1')) return 'skip';
    this.#isPersistent &&= isPersistent;
    if (method === 'HEAD' || word === '204' || word === '304') return 0;
    if (isChunked) return 'chunked';
    return length ?? 'untilClose';
  }
}
