import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { filesHere } from '../../jobs/files/index.ts';
import type { JobFacts, JobOutput } from '../../machines/job-types.ts';
import { hasEnded, type JobRecord } from '../../store/job-record.ts';
import type { JobStore } from '../../store/jobs.ts';
import type { FleetHome } from '../home.ts';

/** The jobs of which something lies on the server's disk. What has gone elsewhere has no folder any more. */
export async function* foldersOfJobs({
  outputs,
}: Pick<FleetHome, 'outputs'>): AsyncIterable<{ batchId: string; jobId: string; folder: string }> {
  for (const batchId of await namesIn(outputs)) {
    for (const jobId of await namesIn(join(outputs, batchId)))
      yield { batchId, jobId, folder: join(outputs, batchId, jobId) };
  }
}

/** Files of a job that lie at their paths. */
export function filesOnDisk(facts: JobFacts): (JobOutput & { path: string })[] {
  return filesHere(facts).filter(({ stored }) => stored === undefined);
}

/** Whether a job's files are to go to the bucket in use: it has ended, and not before the bucket was. */
export function isToGo(record: JobRecord, since: number): boolean {
  return hasEnded(record) && endOf(record) >= since && filesOnDisk(record.facts).length > 0;
}

/** Epoch milliseconds at which nothing more happened to a job. */
export function endOf({ facts: { endedAt, createdAt } }: JobRecord): number {
  return endedAt ?? createdAt;
}

/** How much waits on the disk for its bucket. */
export async function waitingOnDisk(
  home: Pick<FleetHome, 'outputs'>,
  store: Pick<JobStore, 'get'>,
  since: number,
): Promise<{ files: number; bytes: number }> {
  let files = 0;
  let bytes = 0;
  for await (const { jobId } of foldersOfJobs(home)) {
    const record = await store.get(jobId).catch(() => undefined);
    if (!record || !isToGo(record, since)) continue;
    for (const file of filesOnDisk(record.facts)) {
      files += 1;
      bytes += file.bytes ?? 0;
    }
  }
  return { files, bytes };
}

/** Bytes in a folder and those below; a file of several names counts once. */
export async function bytesIn(folder: string): Promise<number> {
  const seen = new Set<number>();
  let bytes = 0;
  for (const name of await readdir(folder, { recursive: true }).catch((): string[] => [])) {
    const there = await stat(join(folder, name)).catch(() => undefined);
    if (!there?.isFile() || seen.has(there.ino)) continue;
    if (there.nlink > 1) seen.add(there.ino);
    bytes += there.size;
  }
  return bytes;
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((): string[] => []);
}
