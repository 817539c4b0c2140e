import { readFile, rename } from 'node:fs/promises';
import { AutopodError } from '../errors.ts';
import { writeFileAtomic } from './atomic-file.ts';
import { RECORD_SCHEMA } from './record-schema.ts';
import { isRecord, type StoredRecord } from './records.ts';

/**
 * Reads a file that holds one record; undefined where there is none. Throws `stateNewer` when a later autopod wrote it
 * and `stateDamaged` when it cannot be read.
 */
export async function readRecord<Record extends StoredRecord<object>>(
  path: string,
  machine: string,
): Promise<Record | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new AutopodError('stateUnreadable', { file: path, reason: error.message });
  });
  if (text === undefined) return undefined;
  const record = parse(text);
  if (!isRecord(record)) throw new AutopodError('stateDamaged', { file: path });
  const { schema, machine: writer } = record as Record;
  if (schema > RECORD_SCHEMA || writer !== machine) throw new AutopodError('stateNewer', { file: path });
  return record as Record;
}

/** Replaces the file by the record, whole or not at all. */
export function writeRecord(path: string, record: StoredRecord<object>): Promise<void> {
  return writeFileAtomic(path, recordText(record));
}

export function recordText(record: StoredRecord<object>): string {
  return `${JSON.stringify(record, null, 2)}\n`;
}

/** Moves an unreadable file out of the way and answers where it is now (I11). */
export async function setAside(path: string): Promise<string> {
  const to = `${path}.unreadable-${new Date().toISOString().replaceAll(':', '-')}`;
  await rename(path, to);
  return to;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
