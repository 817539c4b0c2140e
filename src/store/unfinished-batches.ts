import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Home } from './home.ts';

/** Whether a batch has not ended; read without the store, so that a status costs no library. */
export function hasUnfinishedBatch({ jobs }: Pick<Home, 'jobs'>): boolean {
  const folder = join(jobs, 'batches');
  return namesIn(folder).some((name) => name.endsWith('.json') && isUnfinished(join(folder, name)));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // there was none yet
  }
}

function isUnfinished(path: string): boolean {
  try {
    return (JSON.parse(readFileSync(path, 'utf8')) as { isFinished?: boolean }).isFinished === false;
  } catch {
    return false; // the keeper sets it aside
  }
}
