import { appendFile, readFile, rename, stat } from 'node:fs/promises';
import type { FailureDetail } from '../errors.ts';

/** One transition of a machine, as `history` and `inspect` show it. */
export interface JournalEntry {
  /** ISO 8601, UTC. */
  at: string;
  /** `pod@1`, `tunnel@1`, `guard@1` or `job@1`. */
  machine: string;
  /** Record id: the launch id, pod id or job id. */
  id: string;
  /** Of a pod's entry, once RunPod has made the pod: its record may be gone when this is read. Of a job's, once a pod has it. */
  podId?: string | undefined;
  /** Of a pod's entry: what it is called, also long after its record is gone. */
  name?: string | undefined;
  event: string;
  from: string;
  to: string;
  /** Why, in a few words or a failure code; never a secret. */
  reason?: string | undefined;
  /** Of a failure whose code is the reason. */
  detail?: FailureDetail | undefined;
  /** Of a fleet's entry: the person who asked for what led here. */
  who?: string | undefined;
}

const NOTHING = Buffer.alloc(0);
const MAX_BYTES = 2 * 1024 * 1024;

/** Appends to `journal.jsonl`, one JSON object a line; past 2 MiB the file moves to `journal.jsonl.1`. */
export class Journal {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async append(entry: JournalEntry): Promise<void> {
    if ((await sizeOf(this.#path)) > MAX_BYTES) await rotate(this.#path);
    // One write in append mode is not mixed with other processes' lines. It begins with a line feed, so that a
    // line cut off by a crash does not swallow this one.
    await appendFile(this.#path, `\n${JSON.stringify(entry)}`, { mode: 0o600 });
  }

  /**
   * Entries in the order written, the rotated file first. A line cut off by a crash is left out; so is what
   * lies past `bytes` of the file, when that is given.
   */
  async read(bytes?: number): Promise<JournalEntry[]> {
    const [before, now] = await Promise.all([`${this.#path}.1`, this.#path].map(readOrEmpty));
    const text = Buffer.concat([before ?? NOTHING, (now ?? NOTHING).subarray(0, bytes)]).toString('utf8');
    return text.split('\n').flatMap(parseLine);
  }
}

async function rotate(path: string): Promise<void> {
  await rename(path, `${path}.1`).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error; // another process rotated it first
  });
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

async function readOrEmpty(path: string): Promise<Buffer> {
  return readFile(path).catch(() => NOTHING);
}

/** The entry of one line, or none when the line is not whole or not one. */
export function parseLine(line: string): JournalEntry[] {
  try {
    const value: unknown = line && JSON.parse(line);
    return isEntry(value) ? [value] : [];
  } catch {
    return [];
  }
}

function isEntry(value: unknown): value is JournalEntry {
  if (typeof value !== 'object' || value === null) return false;
  const {
    at,
    machine,
    id,
    event,
    from,
    to,
    reason = '',
    podId = '',
    name = '',
  } = value as Record<string, unknown>;
  return [at, machine, id, event, from, to, reason, podId, name].every((field) => typeof field === 'string');
}
