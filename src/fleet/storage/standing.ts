import { JobStore } from '../../store/jobs.ts';
import type { FleetHome } from '../home.ts';
import { waitingOnDisk } from './on-disk.ts';
import { type BucketPlace, currentBucket, Settings } from './settings.ts';
import { type Trouble, troubleOf } from './trouble.ts';

/** Where files of jobs go, and how that goes. */
export interface StorageStanding {
  /** Undefined for the disk of the server. */
  bucket: BucketPlace | undefined;
  /** What lies on the disk and is to go there. */
  waiting: { files: number; bytes: number };
  /** What keeps it from that. */
  trouble: Trouble | null;
}

/** Throws `configMalformed`. */
export async function storageStanding(home: FleetHome): Promise<StorageStanding> {
  const settings = await new Settings(home).read();
  const bucket = currentBucket(settings);
  if (!bucket) return { bucket, waiting: { files: 0, bytes: 0 }, trouble: null };
  const waiting = await waitingOnDisk(home, new JobStore(home), settings.since);
  return { bucket, waiting, trouble: await troubleOf(home) };
}
