/** The start line and the fields of a message, as far as its length depends on them. */
export interface Head {
  /** Method of a request, status of an answer. */
  word: string;
  isPersistent: boolean;
  isChunked: boolean;
  /** Bytes of the body; undefined where none is told. */
  length: number | undefined;
}

/** How long the body is: bytes, `chunked`, or until the connection is closed. */
export type Body = number | 'chunked' | 'untilClose';

export interface MessageEvents {
  /** Answers how long the body is, or `skip` for a head that another follows; undefined where this is HTTP no longer. */
  onHead: (head: Head) => Body | 'skip' | undefined;
  /** A message is complete. */
  onEnd: () => void;
}

const MAX_HEAD_BYTES = 64 * 1024;
const MAX_LINE_BYTES = 8 * 1024;
const LINE_END = 10;
const START = /^(?:[A-Z]+ \S+ HTTP\/1\.[01]|HTTP\/1\.[01] \d{3}(?: [^\r\n]*)?)\r?\n$/;

/**
 * Follows the messages of HTTP/1.1 in one direction of a connection (RFC 9112, 6.3): it tells where each ends, and
 * changes nothing. What it cannot read ends the following.
 */
export class HttpMessages {
  readonly #events: MessageEvents;
  #state: 'head' | 'body' | 'chunkSize' | 'chunk' | 'chunkEnd' | 'trailer' | 'untilClose' | 'lost' = 'head';
  #text = '';
  #left = 0;

  constructor(events: MessageEvents) {
    this.#events = events;
  }

  /** Whether it still reads HTTP. */
  get isFollowed(): boolean {
    return this.#state !== 'lost';
  }

  /** Whether the last byte ended a message, or none has come yet. */
  get isBetween(): boolean {
    return this.#state === 'head' && this.#text === '';
  }

  read(bytes: Uint8Array): void {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at < buffer.length; ) {
      if (this.#state === 'lost' || this.#state === 'untilClose') return;
      if (this.#state === 'body' || this.#state === 'chunk') at += this.#pass(buffer.length - at);
      else at = this.#readLine(buffer, at);
    }
  }

  #pass(available: number): number {
    const taken = Math.min(this.#left, available);
    this.#left -= taken;
    if (this.#left > 0) return taken;
    if (this.#state === 'chunk') this.#state = 'chunkEnd';
    else this.#end();
    return taken;
  }

  #readLine(buffer: Buffer, from: number): number {
    const found = buffer.indexOf(LINE_END, from);
    const to = found < 0 ? buffer.length : found + 1;
    this.#text += buffer.toString('latin1', from, to);
    const most = this.#state === 'head' ? MAX_HEAD_BYTES : MAX_LINE_BYTES;
    if (this.#text.length > most) this.#state = 'lost';
    else if (found >= 0) this.#take();
    return to;
  }

  // A line is complete; of a head, the last one is empty.
  #take(): void {
    if (this.#state === 'head') {
      const text = this.#text;
      const isFirstLine = text.indexOf('\n') === text.length - 1;
      // Empty lines before a start line are skipped (RFC 9112, 2.2).
      if (isFirstLine && text.trim() === '') this.#text = '';
      else if (isFirstLine && !START.test(text)) this.#state = 'lost';
      else if (text.endsWith('\n\n') || text.endsWith('\n\r\n')) this.#begin(headOf(text));
      return;
    }
    const line = this.#text.trim();
    this.#text = '';
    if (this.#state === 'chunkEnd') this.#state = line === '' ? 'chunkSize' : 'lost';
    else if (this.#state === 'trailer') {
      if (line === '') this.#end();
    } else this.#beginChunk(/^[0-9a-f]{1,12}(?=$|[ \t]*;)/i.exec(line)?.[0]);
  }

  #beginChunk(size: string | undefined): void {
    if (size === undefined) {
      this.#state = 'lost';
      return;
    }
    this.#left = Number.parseInt(size, 16);
    this.#state = this.#left === 0 ? 'trailer' : 'chunk';
  }

  #begin(head: Head | undefined): void {
    this.#text = '';
    const body = head && this.#events.onHead(head);
    if (body === undefined) this.#state = 'lost';
    else if (body === 'untilClose') this.#state = 'untilClose';
    else if (body === 'chunked') this.#state = 'chunkSize';
    else if (body === 0) this.#end();
    else if (body !== 'skip') {
      this.#left = body;
      this.#state = 'body';
    }
  }

  #end(): void {
    this.#state = 'head';
    this.#text = '';
    this.#events.onEnd();
  }
}

/** Undefined for what is not a head of HTTP/1.x. */
function headOf(text: string): Head | undefined {
  const [start = '', ...lines] = text.split(/\r?\n/);
  const request = /^([A-Z]+) \S+ HTTP\/1\.([01])$/.exec(start);
  const answer = /^HTTP\/1\.([01]) (\d{3})(?: |$)/.exec(start);
  const [word, minor] = request ? [request[1], request[2]] : [answer?.[2], answer?.[1]];
  if (word === undefined) return undefined;
  const valuesOf = (name: string) =>
    lines
      .filter((line) => line.toLowerCase().startsWith(`${name}:`))
      .flatMap((line) => line.slice(name.length + 1).split(','))
      .map((value) => value.trim().toLowerCase());
  const connection = valuesOf('connection');
  const codings = valuesOf('transfer-encoding');
  const lengths = new Set(valuesOf('content-length'));
  const [length] = lengths;
  const isReadable = lengths.size <= 1 && (length === undefined || /^\d{1,15}$/.test(length));
  if (!isReadable || (codings.length > 0 && codings.at(-1) !== 'chunked')) return undefined;
  return {
    word,
    isPersistent: minor === '1' ? !connection.includes('close') : connection.includes('keep-alive'),
    isChunked: codings.length > 0,
    length: length === undefined ? undefined : Number(length),
  };
}
