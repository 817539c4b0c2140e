import { readFile, rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type Adapter, Low } from 'lowdb';
import { AutopodError } from '../errors.ts';
import { writeFileAtomic } from './atomic-file.ts';
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

/**
 * Records in one JSON file, shared by processes. Every change reads, changes and replaces the file under a
 * lock; a read needs none, because the file is only ever replaced whole.
 */
export class RecordStore<Facts> {
  readonly #options: RecordStoreOptions;

  constructor(options: RecordStoreOptions) {
    this.#options = options;
  }

  /** Throws `stateNewer` when a later autopod wrote the file. An unreadable file is set aside (I11). */
  async all(): Promise<Record<string, StoredRecord<Facts>>> {
    const file = await this.#read();
    return file ? file.records : this.transact((records) => records);
  }

  /** As `all`, but changes nothing. Throws `stateDamaged` where `all` sets a file aside. */
  async peek(): Promise<Record<string, StoredRecord<Facts>>> {
    const file = await this.#read();
    if (!file) throw new AutopodError('stateDamaged', { file: this.#options.path });
    return file.records;
  }

  async get(id: string): Promise<StoredRecord<Facts> | undefined> {
    return (await this.all())[id];
  }

  /**
   * Replaces one record by what `change` makes of it; `undefined` removes it. Resolves when it is on disk.
   * What `change` throws passes through and leaves the file as it is.
   */
  async update(
    id: string,
    change: (
      record: StoredRecord<Facts> | undefined,
    ) => StoredRecord<Facts> | undefined | Promise<StoredRecord<Facts> | undefined>,
  ): Promise<void> {
    await this.transact(async (records) => {
      const changed = await change(records[id]);
      if (changed) records[id] = changed;
      else delete records[id];
    });
  }

  /** Changes any number of records at once. */
  async transact<T>(change: (records: Record<string, StoredRecord<Facts>>) => T | Promise<T>): Promise<T> {
    const { path, locks } = this.#options;
    const folder = join(locks, basename(path));
    return withLock(folder, { timeoutMs: 20_000, suspendedMs: SUSPENDED_MS }, async (lock) => {
      const stillOurs = async () => {
        if (await lock.isTaken()) throw new AutopodError('lockBusy', { lock: folder });
      };
      const database = new Low<RecordFile<Facts>>(
        durableJson(path, () => this.#readOrSetAside(), stillOurs),
        emptyFile(),
      );
      await database.read();
      const result = await change(database.data.records);
      await database.write();
      return result;
    });
  }

  // Undefined when the file cannot be read; only the holder of the lock may move it aside.
  async #read(): Promise<RecordFile<Facts> | undefined> {
    const text = await readText(this.#options.path);
    if (text === undefined) return emptyFile();
    const file = parse<Facts>(text);
    if (file && file.schema > FILE_SCHEMA) throw new AutopodError('stateNewer', { file: this.#options.path });
    return file;
  }

  async #readOrSetAside(): Promise<RecordFile<Facts>> {
    const file = await this.#read();
    if (file) return file;
    const { path, onSetAside } = this.#options;
    const to = `${path}.unreadable-${new Date().toISOString().replaceAll(':', '-')}`;
    await rename(path, to);
    onSetAside?.(path, to);
    return emptyFile();
  }
}

function emptyFile<Facts>(): RecordFile<Facts> {
  return { schema: FILE_SCHEMA, records: {} };
}

// lowdb's own file adapter neither syncs nor restricts the mode.
function durableJson<T>(path: string, read: () => Promise<T>, check: () => Promise<void>): Adapter<T> {
  return { read, write: (data) => writeFileAtomic(path, `${JSON.stringify(data, null, 2)}\n`, check) };
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new AutopodError('stateUnreadable', { file: path, reason: (error as Error).message });
  }
}

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
