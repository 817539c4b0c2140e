import { stat } from 'node:fs/promises';
import { filesHere } from '../../jobs/files/index.ts';
import type { JobStore } from '../../store/jobs.ts';
import type { FleetHome } from '../home.ts';
import { type DiskStanding, Room, usedBy } from './room.ts';
import { Settings } from './settings.ts';

/** What one person's jobs have made, and have been sent, as far as it is kept. */
export interface PersonUsage {
  name: string;
  jobs: number;
  files: number;
  /** Bytes. */
  onDisk: number;
  inBuckets: number;
  /** Bytes of what their jobs take in; others' jobs may take in the same. */
  sent: number;
}

/** Whose files there are, most first. It reads every job. */
export async function usageOf(store: Pick<JobStore, 'all'>): Promise<PersonUsage[]> {
  const people = new Map<string, PersonUsage & { inputs: Map<string, number> }>();
  for await (const { facts } of store.all()) {
    const { owner: name = '', inputs, cleanedAt } = facts;
    const usage = people.get(name) ?? {
      ...{ name, jobs: 0, files: 0, onDisk: 0, inBuckets: 0, sent: 0 },
      inputs: new Map(),
    };
    people.set(name, usage);
    for (const { path, sha256, bytes } of inputs)
      if (!usage.inputs.has(sha256)) usage.inputs.set(sha256, (await isThere(path)) ? bytes : 0);
    const files = cleanedAt === undefined ? filesHere(facts) : [];
    if (files.length > 0) usage.jobs += 1;
    usage.files += files.length;
    for (const { stored, bytes } of files) {
      if (stored) usage.inBuckets += bytes ?? 0;
      else usage.onDisk += bytes ?? 0;
    }
  }
  return [...people.values()]
    .map(({ inputs, ...usage }) => ({ ...usage, sent: sum(inputs.values()) }))
    .toSorted((a, b) => b.onDisk + b.inBuckets - a.onDisk - a.inBuckets || a.name.localeCompare(b.name));
}

/** The disk of the server, with what files of jobs have of it. */
export async function diskOf(home: FleetHome): Promise<DiskStanding & { used: number }> {
  const standing = await new Room(home, new Settings(home)).standing();
  return { ...standing, used: standing.used ?? (await usedBy(home)) };
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function sum(values: Iterable<number>): number {
  return [...values].reduce((total, value) => total + value, 0);
}
