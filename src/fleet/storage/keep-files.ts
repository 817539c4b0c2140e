import { setTimeout as sleep } from 'node:timers/promises';
import type { Failure } from '../../errors.ts';
import type { JobStore } from '../../store/jobs.ts';
import type { Fleet } from '../pods/fleet.ts';
import type { Buckets } from './buckets.ts';
import { Cleaner } from './cleaning.ts';
import { Mover } from './mover.ts';
import type { Settings } from './settings.ts';
import { noteTrouble, type Trouble, troubleOf } from './trouble.ts';

export interface StorageTimings {
  /** Between two looks for what is to go to a bucket. */
  moveMs: number;
  /** Between two looks for what is kept no longer. */
  cleanMs: number;
}

interface Context {
  fleet: Pick<Fleet, 'home' | 'journal' | 'log'>;
  store: JobStore;
  settings: Settings;
  buckets: Buckets;
}

const TIMINGS: StorageTimings = { moveMs: 3_000, cleanMs: 15 * 60_000 };
const FIRST_CLEAN_MS = 60_000;
/** Longest time between two tries of a bucket that does not take anything. */
const LONGEST_MS = 60_000;

/** As of the keeper, whose waits they would be on one machine. */
export function storageTimingsFrom(env: NodeJS.ProcessEnv): StorageTimings {
  const given = JSON.parse(env.AUTOPOD_KEEPER_TIMINGS ?? '{}') as Partial<StorageTimings>;
  return { moveMs: given.moveMs ?? TIMINGS.moveMs, cleanMs: given.cleanMs ?? TIMINGS.cleanMs };
}

/**
 * Looks after the files of a fleet's jobs until the signal: one thing after the other, so that nothing is removed while it
 * is on its way. All that it goes by is on the disk, so that the next process goes on where this one ended.
 */
export async function keepFiles(
  { fleet, store, settings, buckets }: Context,
  { moveMs, cleanMs }: StorageTimings,
  signal: AbortSignal,
): Promise<void> {
  const { home, log, journal } = fleet;
  const mover = new Mover({ home, store, settings, buckets, log });
  const cleaner = new Cleaner({ home, store, settings, buckets });
  let trouble = await troubleOf(home);
  let failures = 0;
  // What was under way when the last process ended comes first.
  let cleanAt = performance.now() + Math.min(cleanMs, FIRST_CLEAN_MS);
  while (!signal.aborted) {
    try {
      const failure = await mover.move(signal);
      if (signal.aborted) break;
      trouble = await told(fleet, trouble, failure);
      failures = failure ? failures + 1 : 0;
      // Whoever has corrected what it is entered by need not start the server anew.
      if (failure) buckets.forget();
      if (performance.now() >= cleanAt) {
        cleanAt = performance.now() + cleanMs;
        mover.lookAnew();
        const { inputs, jobs } = await cleaner.clean(signal);
        if (inputs + jobs > 0) {
          const to = `files of ${jobs} jobs, ${inputs} that were sent`;
          const at = new Date().toISOString();
          await journal.append({ at, machine: 'storage@1', id: 'files', event: 'cleaned', from: 'kept', to });
        }
      }
    } catch (error) {
      if (!signal.aborted) log(`files of jobs: ${(error as Error).message}`);
    }
    const waitMs = Math.max(moveMs, Math.min(moveMs * 2 ** failures, LONGEST_MS));
    await sleep(waitMs, undefined, { signal }).catch(() => undefined);
  }
  buckets.close();
}

/** Has whoever looks know what keeps files from their bucket, and the log once for each reason. */
async function told(
  { home, log }: Pick<Fleet, 'home' | 'log'>,
  before: Trouble | null,
  failure: Failure | null,
): Promise<Trouble | null> {
  if (!failure && !before) return null;
  if (failure && before?.code === failure.code && before.detail.reason === failure.detail.reason)
    return before;
  const trouble = failure && { ...failure, since: new Date().toISOString() };
  await noteTrouble(home, trouble);
  log(
    trouble
      ? `files stay on the disk: ${trouble.code} ${JSON.stringify(trouble.detail)}`
      : 'files go to their bucket again',
  );
  return trouble;
}
