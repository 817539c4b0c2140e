import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { S3Simulator } from '../../../sim/s3/server.ts';
import { type FleetHome, openFleetHome } from '../../../src/fleet/home.ts';
import { Buckets } from '../../../src/fleet/storage/buckets.ts';
import { Cleaner } from '../../../src/fleet/storage/cleaning.ts';
import { Mover } from '../../../src/fleet/storage/mover.ts';
import { Settings, type StorageSettings, withBucket } from '../../../src/fleet/storage/settings.ts';
import type { JobFacts } from '../../../src/machines/job-types.ts';
import { jobRecord } from '../../../src/store/job-record.ts';
import { JobStore } from '../../../src/store/jobs.ts';
import { batchFacts, jobFacts } from '../../support/job-facts.ts';
import { tempHome } from '../../support/temp-home.ts';
import { credentialsFile, fileOf, type TestFile } from './support.ts';

export const SIGNAL = new AbortController().signal;
const DAY_MS = 86_400_000;

export interface KeptFiles {
  home: FleetHome;
  store: JobStore;
  settings: Settings;
  buckets: Buckets;
  log: string[];
  mover: () => Mover;
  cleaner: () => Cleaner;
  set: (changes: Partial<StorageSettings>) => Promise<StorageSettings>;
  /** Has files go to a bucket of it from now on; `isMoved` also those that lie on the disk already. */
  useBucket: (
    s3: S3Simulator,
    changes?: { bucket?: string; prefix?: string; isMoved?: boolean },
  ) => Promise<void>;
  /** An ended job with files of so many bytes on the disk. */
  job: (jobId: string, sizes: number[], changes?: Partial<JobFacts>) => Promise<TestFile[]>;
  /** Something a member has sent, so many days ago. */
  content: (sha256: string, daysAgo: number, ext?: string) => string;
}

/** The files of a fleet on disk, without a server. */
export function keptFiles(): KeptFiles {
  const user = tempHome();
  const home = openFleetHome(user);
  const store = new JobStore(home);
  const settings = new Settings(home);
  const buckets = new Buckets(user);
  onTestFinished(() => buckets.close());
  const log: string[] = [];
  const context = { home, store, settings, buckets, log: (line: string) => log.push(line) };
  const set = (changes: Partial<StorageSettings>) =>
    settings.change((now) => ({ ...now, ...changes }), SIGNAL);
  return {
    home,
    store,
    settings,
    buckets,
    log,
    mover: () => new Mover(context),
    cleaner: () => new Cleaner(context),
    set,
    useBucket: async (s3, { bucket = 'studio', prefix = 'made', isMoved = true } = {}) => {
      const credentials = credentialsFile(user.root, s3);
      const place = {
        bucket,
        prefix,
        endpoint: s3.url,
        region: 'us-east-1',
        style: 'path' as const,
        credentials,
      };
      await settings.change((now) => withBucket(now, { ...place, isMoved, now: Date.now() }), SIGNAL);
    },
    job: async (jobId, sizes, changes = {}) => {
      const out = join(home.outputs, jobId, jobId);
      mkdirSync(join(out, 'sub'), { recursive: true });
      const files = sizes.map((bytes, n) => fileOf(out, n === 0 ? `${jobId}.png` : `sub/${n}.png`, bytes));
      const outputs = files.map(({ path, bytes, sha256 }, n) => {
        writeFileSync(`${path}.json`, '{}');
        const output = { nodeId: '9', n, filename: `${n}.png`, subfolder: '', type: 'output' as const };
        return { ...output, path, bytes, sha256 };
      });
      const facts = jobFacts({
        jobId,
        batchId: jobId,
        out,
        outputs,
        endedAt: Date.now(),
        owner: 'ann',
        ...changes,
      });
      await store.create(batchFacts({ batchId: jobId, owner: 'ann', pool: 'art' }), [facts]);
      await store.update(jobId, (record) => jobRecord(record.facts, 'done'));
      return files;
    },
    content: (sha256, daysAgo, ext) => {
      const path = join(home.contents, sha256 + (ext ?? ''));
      mkdirSync(home.contents, { recursive: true });
      writeFileSync(path, 'x');
      const at = new Date(Date.now() - daysAgo * DAY_MS);
      utimesSync(path, at, at);
      return path;
    },
  };
}

/** Epoch milliseconds of so many days ago. */
export function daysAgo(days: number): number {
  return Date.now() - days * DAY_MS;
}
