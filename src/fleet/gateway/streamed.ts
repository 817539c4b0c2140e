import type { ServerResponse } from 'node:http';
import type { People, Person } from '../people/people.ts';
import { refused, SAFE_HEADERS } from './http-words.ts';

export interface StreamedEvent {
  /** With which whoever lost the stream says how far they had come. */
  id?: string;
  data: unknown;
}

/** Tells events as they come; the answer ends that. `end` is for what has no more to tell. */
export type Telling = (tell: (event: StreamedEvent) => void, end: () => void) => () => void;

/** An answer that goes on until one side ends it (Server-Sent Events). */
export class Streamed {
  readonly begin: Telling;

  constructor(begin: Telling) {
    this.begin = begin;
  }

  to(response: ServerResponse): void {
    response.writeHead(200, { ...SAFE_HEADERS, 'content-type': 'text/event-stream', connection: 'close' });
    response.write('retry: 1000\n\n');
    const tell = ({ id, data }: StreamedEvent) => {
      // Who does not read is let go rather than kept in memory.
      if (response.writableLength > MOST_WAITING_BYTES) response.destroy();
      else response.write(`${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`);
    };
    const stop = this.begin(tell, () => response.end());
    const ping = setInterval(() => response.write(': still here\n\n'), PING_MS);
    response.once('close', () => {
      clearInterval(ping);
      stop();
    });
  }
}

const MOST_WAITING_BYTES = 4 * 1024 * 1024;
const PING_MS = 15_000;
/** Milliseconds after which whoever was removed has no stream any more. */
const CHECK_MS = 1_000;
const MOST_OF_ONE = 8;
const MOST_OF_ALL = 64;

/** Streams that are open: so many for each person, and only as long as their token is good. */
export class Streams {
  readonly #people: Pick<People, 'byToken'>;
  readonly #open = new Map<string, number>();

  constructor(people: Pick<People, 'byToken'>) {
    this.#people = people;
  }

  /** Throws `gatewayRefused` where too many are open. */
  of({ name }: Person, token: string, begin: Telling): Streamed {
    const own = this.#open.get(name) ?? 0;
    const all = [...this.#open.values()].reduce((sum, count) => sum + count, 0);
    if (own >= MOST_OF_ONE || all >= MOST_OF_ALL) throw refused(429, 'too many streams are open');
    return new Streamed((tell, end) => {
      this.#open.set(name, (this.#open.get(name) ?? 0) + 1);
      const check = setInterval(() => {
        void this.#people.byToken(token).then(
          (person) => person ?? end(),
          () => undefined, // the file is being written, or away for a moment
        );
      }, CHECK_MS);
      const stop = begin(tell, end);
      return () => {
        clearInterval(check);
        this.#open.set(name, (this.#open.get(name) ?? 1) - 1);
        stop();
      };
    });
  }
}
