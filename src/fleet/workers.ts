import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { writeFileAtomic } from '../store/atomic-file.ts';
import { makeFolder } from '../store/home.ts';
import { isAlive } from '../store/presence.ts';
import type { ProcessIdentity } from '../store/process-identity.ts';
import type { FleetHome } from './home.ts';

const shape = z.object({
  uri: z.string(),
  version: z.string(),
  layout: z.number().int(),
  /** ISO 8601, UTC. */
  since: z.string(),
  process: z.looseObject({ pid: z.number().int(), startedAt: z.string() }),
});

/** A worker of this fleet's that the engine may still call. */
export interface KnownWorker extends z.infer<typeof shape> {
  isAlive: boolean;
}

/** Kept before the engine knows of the worker, and until nothing of it is under way. */
export async function keepWorker(
  { workers }: Pick<FleetHome, 'workers'>,
  worker: Omit<z.infer<typeof shape>, 'process'> & { process: ProcessIdentity },
): Promise<void> {
  makeFolder(workers);
  await writeFileAtomic(pathOf(workers, worker.uri), `${JSON.stringify(worker, null, 2)}\n`);
}

export async function forgetWorker({ workers }: Pick<FleetHome, 'workers'>, uri: string): Promise<void> {
  await rm(pathOf(workers, uri), { force: true });
}

/** All of them, the earliest first. */
export async function knownWorkers({
  workers,
  locks,
}: Pick<FleetHome, 'workers' | 'locks'>): Promise<KnownWorker[]> {
  const names = await readdir(workers).catch(() => []);
  const known: KnownWorker[] = [];
  for (const name of names.filter((one) => one.endsWith('.json'))) {
    const text = await readFile(join(workers, name), 'utf8').catch(() => '');
    const worker = parsed(text);
    if (worker) known.push({ ...worker, isAlive: await isAlive(worker.process as ProcessIdentity, locks) });
  }
  return known.toSorted((a, b) => a.since.localeCompare(b.since));
}

function parsed(text: string): z.infer<typeof shape> | undefined {
  try {
    return shape.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function pathOf(folder: string, uri: string): string {
  return join(folder, `${encodeURIComponent(uri)}.json`);
}
