import { logLine } from '../services/log.ts';
import { Journal, type JournalEntry } from '../store/journal.ts';

/** Lines and entries kept in memory while the home is away. */
const MAX_KEPT = 2_000;

/** The keeper's log; what cannot be written is kept until it can. */
export class PatientLog {
  readonly #path: string;
  #kept: { line: string; at: Date }[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  say(line: string): void {
    this.#kept.push({ line, at: new Date() });
    this.flush();
    this.#kept = this.#kept.slice(-MAX_KEPT);
  }

  flush(): void {
    while (this.#kept[0] && logLine(this.#path, this.#kept[0].line, this.#kept[0].at)) this.#kept.shift();
  }
}

/** A journal whose entries wait in memory until they can be written. */
export class PatientJournal extends Journal {
  #kept: JournalEntry[] = [];
  #writing: Promise<void> = Promise.resolve();

  override append(entry: JournalEntry): Promise<void> {
    this.#kept = [...this.#kept, entry].slice(-MAX_KEPT);
    return this.flush();
  }

  flush(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  async #write(): Promise<void> {
    for (let entry = this.#kept[0]; entry; entry = this.#kept[0]) {
      const isWritten = await super.append(entry).then(
        () => true,
        () => false,
      );
      if (!isWritten) return;
      this.#kept.shift();
    }
  }
}
