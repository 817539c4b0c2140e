import type { BigIntStats } from 'node:fs';
import { rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type Adapter, Low } from 'lowdb';
import { AutopodError } from '../errors.ts';
import { writeFileAtomic } from './atomic-file.ts';
import { KnownFile } from './known-file.ts';
import { withLock } from './lock.ts';

/** Version of the file's own layout, raised when a reader of the version before could misread it. */
const FILE_SCHEMA = 1;

/** Milliseconds for which a suspended process may keep a file from the others, who need it for an instant each. */
const SUSPENDED_MS = 3_000;

/**
 * What is kept of one pod or tunnel. `facts` are enough to find the true state again; `snapshot` is the
 * machine's own and may be dropped whenever the machine has changed.
 */
export interface StoredRecord<Facts> {
  schema: number;
  /** Id of the machine that wrote the snapshot, such as `pod@1`. */
  machine: string;
  facts: Facts;
  snapshot: unknown;
  /** ISO 8601, UTC. */
  savedAt: string;
}

interface RecordFile<Facts> {
  schema: number;
  records: Record<string, StoredRecord<Facts>>;
}

export interface RecordStoreOptions {
  /** The JSON file. */
  path: string;
  /** Folder of the locks. */
  locks: string;
  /** Told when an unreadable file was moved aside. */
  onSetAside?: ((from: string, to: string) => void) | undefined;
}

/** A change of one record that waits to be written with others. */
interface Waiting {
  make: (records: Record<string, never>) => Promise<void>;
  resolve: () => void;
  reject: (error: unknown) => void;
}

type Records<Facts> = Record<string, StoredRecord<Facts>>;
type Change<Facts> = (
  record: StoredRecord<Facts> | undefined,
) => StoredRecord<Facts> | undefined | Promise<StoredRecord<Facts> | undefined>;

/**
 * Records in one JSON file, shared by processes. Every change reads, changes and replaces the file under a
 * lock; a read needs none, because the file is only ever replaced whole. Changes that come while one is on its way are
 * written together, and a file that is as it was is not read again.
 */
export class RecordStore<Facts> {
  readonly #options: RecordStoreOptions;
  readonly #known: KnownFile<Records<Facts>>;
  /** Texts of the records of the last file. */
  #texts = new WeakMap<object, string>();
  #waiting: Waiting[] = [];
  #isWriting = false;

  constructor(options: RecordStoreOptions) {
    this.#options = options;
    this.#known = new KnownFile(options.path, join(options.locks, basename(options.path)));
  }

  /** Not to be changed. Throws `stateNewer` when a later autopod wrote the file. An unreadable file is set aside (I11). */
  async all(): Promise<Records<Facts>> {
    return (await this.#read()) ?? this.transact((records) => records);
  }

  /** As `all`, but changes nothing. Throws `stateDamaged` where `all` sets a file aside. */
  async peek(): Promise<Records<Facts>> {
    const records = await this.#read();
    if (!records) throw new AutopodError('stateDamaged', { file: this.#options.path });
    return records;
  }

  async get(id: string): Promise<StoredRecord<Facts> | undefined> {
    return (await this.all())[id];
  }

  /**
   * Replaces one record by what `change` makes of it; `undefined` removes it. Resolves when it is on disk.
   * What `change` throws passes through and leaves the record as it is.
   */
  update(id: string, change: Change<Facts>): Promise<void> {
    const make = async (records: Records<Facts>) => {
      const changed = await change(records[id]);
      if (!changed) delete records[id];
      else {
        this.#texts.delete(changed);
        records[id] = changed;
      }
    };
    const written = new Promise<void>((resolve, reject) => this.#waiting.push({ make, resolve, reject }));
    if (!this.#isWriting) void this.#writeWaiting();
    return written;
  }

  /** Changes any number of records at once. */
  async transact<T>(change: (records: Records<Facts>) => T | Promise<T>): Promise<T> {
    return this.#alone(async (records) => {
      const result = await change(records);
      this.#texts = new WeakMap();
      return result;
    });
  }

  async #writeWaiting(): Promise<void> {
    this.#isWriting = true;
    while (this.#waiting.length > 0) {
      const taken = this.#waiting;
      this.#waiting = [];
      const ends: (() => void)[] = [];
      await this.#alone(async (records) => {
        let isChanged = false;
        for (const { make, resolve, reject } of taken) {
          try {
            await make(records as Record<string, never>);
            isChanged = true;
            ends.push(resolve);
          } catch (error) {
            ends.push(() => reject(error));
          }
        }
        if (!isChanged) throw new Unchanged();
      }).then(
        () => {
          for (const end of ends) end();
        },
        (error: unknown) => {
          if (error instanceof Unchanged) for (const end of ends) end();
          else for (const { reject } of taken) reject(error);
        },
      );
    }
    this.#isWriting = false;
  }

  async #alone<T>(change: (records: Records<Facts>) => Promise<T>): Promise<T> {
    const { path, locks } = this.#options;
    const folder = join(locks, basename(path));
    return withLock(folder, { timeoutMs: 20_000, suspendedMs: SUSPENDED_MS }, async (lock) => {
      const adapter: Adapter<RecordFile<Facts>> = {
        read: async () => ({
          schema: FILE_SCHEMA,
          records: { ...((await this.#known.whileOurs(lock.number)) ?? (await this.#readOrSetAside())) },
        }),
        // lowdb's own file adapter neither syncs nor restricts the mode.
        write: async ({ records }) => {
          let as: BigIntStats | undefined;
          await writeFileAtomic(path, this.#textOf(records), async (written) => {
            if (await lock.isTaken()) throw new AutopodError('lockBusy', { lock: folder });
            as = written;
          });
          this.#known.note(as, records, lock.number);
        },
      };
      const database = new Low<RecordFile<Facts>>(adapter, { schema: FILE_SCHEMA, records: {} });
      await database.read();
      const result = await change(database.data.records);
      await database.write();
      return result;
    });
  }

  #textOf(records: Records<Facts>): string {
    const texts = Object.entries(records).map(([id, record]) => {
      const text = this.#texts.get(record) ?? JSON.stringify(record, null, 2).replaceAll('\n', '\n    ');
      this.#texts.set(record, text);
      return `    ${JSON.stringify(id)}: ${text}`;
    });
    const all = texts.length === 0 ? '{}' : `{\n${texts.join(',\n')}\n  }`;
    return `{\n  "schema": ${FILE_SCHEMA},\n  "records": ${all}\n}\n`;
  }

  // Undefined when the file cannot be read; only the holder of the lock may move it aside.
  async #read(): Promise<Records<Facts> | undefined> {
    const known = await this.#known.current();
    if (known) return known;
    const { text, as } = await this.#known.read();
    if (text === undefined) return {};
    const file = parse<Facts>(text);
    if (file && file.schema > FILE_SCHEMA) throw new AutopodError('stateNewer', { file: this.#options.path });
    if (file) this.#known.note(as, file.records);
    return file?.records;
  }

  async #readOrSetAside(): Promise<Records<Facts>> {
    const records = await this.#read();
    if (records) return records;
    const { path, onSetAside } = this.#options;
    const to = `${path}.unreadable-${new Date().toISOString().replaceAll(':', '-')}`;
    await rename(path, to);
    onSetAside?.(path, to);
    return {};
  }
}

/** Nothing is to be written. */
class Unchanged extends Error {}

function parse<Facts>(text: string): RecordFile<Facts> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(value) || typeof value.schema !== 'number') return undefined;
  if (value.schema > FILE_SCHEMA) return { schema: value.schema, records: {} };
  if (!isObject(value.records) || !Object.values(value.records).every(isRecord)) return undefined;
  return value as unknown as RecordFile<Facts>;
}

/** Whether a value has the shape of a record. */
export function isRecord(value: unknown): boolean {
  return (
    isObject(value) &&
    typeof value.schema === 'number' &&
    typeof value.machine === 'string' &&
    isObject(value.facts) &&
    typeof value.savedAt === 'string'
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
