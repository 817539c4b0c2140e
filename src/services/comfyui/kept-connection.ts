import { validateHeaderValue } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { LentMemory } from '../lent-memory.ts';
import { type FileAnswer, MOST_TAKEN, type Take } from './answer.ts';
import { type AnswerHead, readHead } from './answer-head.ts';
import type { ComfyWay, Question } from './way.ts';

/** What came of a question: an answer; one for a client that knows more of HTTP; or nothing, as the connection was closed. */
export type Asked = FileAnswer | 'unfit' | 'closed';

interface Settling<T> {
  resolve: (value: T) => void;
  reject: (error: unknown) => void;
}

interface Taker {
  take: Take;
  onBytes: (bytes: number) => void;
}

const MAX_HEAD_BYTES = 64 * 1024;
const HEAD_END = '\r\n\r\n';

/**
 * A connection to ComfyUI for one GET after the other. Bodies whose length is told are read straight into lent memory, in
 * pieces that are worth a write: with Node's own client a large file takes twice the CPU.
 */
export class KeptConnection {
  readonly #memory: LentMemory;
  readonly #host: string;
  readonly #socket: Socket;
  readonly #onIdle: () => void;
  /** What is read into; so many bytes of it have come. */
  #piece: Uint8Array;
  #bytes = 0;
  #state: 'idle' | 'asking' | 'answered' | 'reading' | 'ended' = 'idle';
  #wasKept = false;
  #asking: Settling<Asked> | undefined;
  /** The one that is not over. */
  #answer: FileAnswer | undefined;
  #body: (Settling<void> & Taker) | undefined;
  /** What came of the body with the head, and the memory it is in. */
  #early: { piece: Uint8Array; bytes: Uint8Array } | undefined;
  /** Bytes of the body that are not given yet. */
  #left = 0;
  #isPersistent = true;
  /** Pieces that are with who takes them. */
  #taken = 0;
  #error: unknown;
  /** Takes off what watches the question under way. */
  #unwatch = () => {};

  /** `idle` is told when it may be asked again, `close` when it may not any more. */
  constructor(way: ComfyWay, memory: LentMemory, on: { idle: () => void; close: () => void }) {
    this.#memory = memory;
    this.#onIdle = on.idle;
    this.#piece = memory.take();
    this.#host = 'socketPath' in way ? 'localhost' : `127.0.0.1:${way.localPort}`;
    const onread = {
      buffer: () => this.#piece.subarray(this.#bytes),
      callback: (bytes: number) => {
        this.#bytes += bytes;
        return this.#came(bytes);
      },
    };
    this.#socket =
      'socketPath' in way
        ? connect({ path: way.socketPath, onread })
        : connect({ host: '127.0.0.1', port: way.localPort, noDelay: true, onread });
    this.#socket
      .on('error', (error) => {
        this.#error ??= error;
      })
      .once('close', () => {
        on.close();
        this.#closed();
      })
      .resume();
  }

  /** Asks, one thing at a time. Throws why there is no answer. */
  ask({ path, headers = {} }: Question, silenceMs: number, signal: AbortSignal): Promise<Asked> {
    const fields = { host: this.#host, accept: '*/*', 'accept-encoding': 'identity', ...headers };
    const lines = Object.entries(fields).map(([name, value]) => {
      validateHeaderValue(name, value);
      return `${name}: ${value}\r\n`;
    });
    const onAbort = () => this.end(signal.reason);
    const onSilence = () => {
      // While it is not read, nothing can come.
      if (this.#isRead) this.end(new Error(`nothing came for ${silenceMs / 1000} s`));
    };
    signal.addEventListener('abort', onAbort);
    this.#socket.setTimeout(silenceMs).on('timeout', onSilence);
    this.#unwatch = () => {
      signal.removeEventListener('abort', onAbort);
      this.#socket.setTimeout(0).off('timeout', onSilence);
    };
    this.#state = 'asking';
    return new Promise((resolve, reject) => {
      this.#asking = { resolve, reject };
      this.#socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1');
    });
  }

  end(error?: unknown): void {
    this.#error ??= error;
    this.#wasKept = false;
    this.#socket.destroy();
  }

  get #isRead(): boolean {
    return this.#state === 'asking' || (this.#state === 'reading' && this.#taken < MOST_TAKEN);
  }

  /** Whether more may come for now. */
  #came(bytes: number): boolean {
    if (this.#state === 'reading') return this.#passOn(bytes);
    if (this.#state === 'asking') return this.#readHead();
    // Nobody has asked.
    this.end();
    return false;
  }

  #readHead(): boolean {
    const piece = this.#piece;
    for (;;) {
      const there = Buffer.from(piece.buffer, piece.byteOffset, this.#bytes);
      const length = there.indexOf(HEAD_END);
      if (length < 0 && there.length <= MAX_HEAD_BYTES) return true;
      const head = length < 0 ? undefined : readHead(there.toString('latin1', 0, length));
      const end = length + HEAD_END.length;
      if (head && head.statusCode < 200 && head.statusCode !== 101) {
        piece.copyWithin(0, end, this.#bytes);
        this.#bytes -= end;
        continue;
      }
      this.#early = this.#bytes > end ? { piece, bytes: piece.subarray(end, this.#bytes) } : undefined;
      if (this.#early) this.#renew();
      else this.#bytes = 0;
      this.#answered(head);
      return false;
    }
  }

  #answered(head: AnswerHead | undefined): void {
    this.#state = 'answered';
    if (!head || !isFit(head)) {
      this.#asking?.resolve('unfit');
      this.end();
      return;
    }
    const { statusCode, headers, length, isPersistent } = head;
    this.#left = length ?? 0;
    this.#isPersistent = isPersistent && length !== undefined;
    const answer: FileAnswer = {
      statusCode,
      headers,
      read: (take, onBytes) =>
        new Promise((resolve, reject) => this.#read({ take, onBytes, resolve, reject })),
      close: () => {
        // By now it may be asked for something else.
        if (this.#answer !== answer) return;
        this.#answer = undefined;
        this.end();
      },
    };
    this.#answer = answer;
    this.#asking?.resolve(answer);
  }

  #read(body: Settling<void> & Taker): void {
    const early = this.#early;
    const more = (early?.bytes.length ?? 0) - this.#left;
    this.#early = undefined;
    this.#state = 'reading';
    this.#body = body;
    if (early) {
      const bytes = early.bytes.subarray(0, this.#left);
      body.onBytes(bytes.length);
      this.#give(early.piece, bytes);
    }
    if (this.#left === 0) this.#whole(more > 0);
    else if (this.#socket.destroyed) this.#failed();
    else this.#goOn();
  }

  /** Gives what has come when that is worth it. Whether more may come for now. */
  #passOn(came: number): boolean {
    const [piece, bytes, left] = [this.#piece, this.#bytes, this.#left];
    this.#body?.onBytes(came - Math.max(0, bytes - left));
    if (bytes < left && bytes < piece.length) return true;
    this.#renew();
    this.#give(piece, piece.subarray(0, left).subarray(0, bytes));
    if (this.#left > 0) return this.#taken < MOST_TAKEN;
    this.#whole(bytes > left);
    return true;
  }

  #renew(): void {
    this.#piece = this.#memory.take();
    this.#bytes = 0;
  }

  #give(piece: Uint8Array, bytes: Uint8Array): void {
    const body = this.#body;
    this.#left -= bytes.length;
    this.#taken += 1;
    const isDone = () => {
      this.#taken -= 1;
      this.#memory.giveBack(piece);
    };
    body?.take([bytes]).then(
      () => {
        isDone();
        this.#goOn();
      },
      (error: unknown) => {
        isDone();
        body.reject(error);
        if (this.#body === body) this.end(error);
      },
    );
  }

  #goOn(): void {
    if (this.#state !== 'reading' || this.#taken >= MOST_TAKEN) return;
    // Its silence is counted from here.
    this.#socket.setTimeout(this.#socket.timeout ?? 0);
    this.#socket.resume();
  }

  /** The body is given; what came beyond it belongs to nothing that was asked. */
  #whole(isOver: boolean): void {
    this.#body?.resolve();
    this.#body = undefined;
    this.#answer = undefined;
    this.#unwatch();
    this.#wasKept = true;
    this.#state = 'idle';
    this.#socket.resume();
    if (isOver || !this.#isPersistent) this.end();
    else this.#onIdle();
  }

  #closed(): void {
    const [piece, bytes] = [this.#piece, this.#bytes];
    if (this.#state === 'asking' && this.#wasKept && bytes === 0) this.#asking?.resolve('closed');
    if (this.#state === 'reading' && bytes > 0) this.#give(piece, piece.subarray(0, bytes));
    else this.#memory.giveBack(piece);
    this.#failed();
  }

  #failed(): void {
    const error = this.#error ?? new Error('the connection was closed');
    this.#unwatch();
    this.#asking?.reject(error);
    this.#body?.reject(error);
    // What came with a head is there to be read.
    if (this.#state !== 'answered') this.#state = 'ended';
  }
}

/** Whether the end of its body is known, if there is one that is wanted. */
function isFit({ statusCode, length }: AnswerHead): boolean {
  return length !== undefined || (statusCode !== 200 && statusCode !== 206);
}
