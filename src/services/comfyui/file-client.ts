import { LentMemory } from '../lent-memory.ts';
import { answerOf, type FileAnswer, PIECE_BYTES } from './answer.ts';
import { KeptConnection } from './kept-connection.ts';
import { type ComfyWay, exchange, type Question, SILENCE_MS, unanswered } from './way.ts';

/** Pieces that are kept for the next ones: as many as a few files at once fill. */
const MOST_KEPT = 16;

/** Asks a ComfyUI for files, as many at once as it is asked for, on connections that are kept until it is closed. */
export class FileClient {
  readonly #way: ComfyWay;
  readonly #memory = new LentMemory(PIECE_BYTES, MOST_KEPT);
  readonly #idle = new Set<KeptConnection>();
  /** Whether its answers are of the kind that a kept connection reads. */
  #isFit = true;
  #isClosed = false;

  constructor(way: ComfyWay) {
    this.#way = way;
  }

  /** Gives the answer's head. Throws `comfyUnanswered` when none comes. */
  async ask(question: Question, signal: AbortSignal): Promise<FileAnswer> {
    signal.throwIfAborted();
    const { silenceMs = SILENCE_MS } = question;
    try {
      while (this.#isFit) {
        const asked = await this.#connection().ask(question, silenceMs, signal);
        if (asked === 'unfit') this.#isFit = false;
        else if (asked !== 'closed') return asked;
      }
    } catch (error) {
      signal.throwIfAborted();
      throw unanswered(question, error);
    }
    return answerOf(await exchange(this.#way, question, signal));
  }

  /** Closes the connections that are kept; others when they are done. */
  close(): void {
    this.#isClosed = true;
    for (const connection of this.#idle) connection.end();
  }

  /** One that is kept, which may just have been closed at the other end, or else one of its own. */
  #connection(): KeptConnection {
    const [kept] = this.#idle;
    if (kept) {
      this.#idle.delete(kept);
      return kept;
    }
    const connection: KeptConnection = new KeptConnection(this.#way, this.#memory, {
      idle: () => {
        if (this.#isClosed) connection.end();
        else this.#idle.add(connection);
      },
      close: () => this.#idle.delete(connection),
    });
    return connection;
  }
}
