import { setTimeout as sleep } from 'node:timers/promises';
import { leaseFolder } from '../store/home.ts';
import { lockHolder, tryLock } from '../store/lock.ts';
import { isRunning, type ProcessIdentity } from '../store/process-identity.ts';
import { askFor, type DriveContext, drive, type Outcome, type RestingState } from './drive.ts';
import { type PodRecordFacts, savedState } from './pod-records.ts';

export interface Pursuit {
  recordId: string;
  /** What this run wants changed in the facts; the goal above all. */
  changes: Partial<PodRecordFacts> & Pick<PodRecordFacts, 'goal'>;
  /** Told once when another process drives the pod and this one only watches. */
  onFollowing?: (driver: ProcessIdentity) => void;
}

/**
 * Brings a pod to a goal: drives it, or follows the process that does. A follower takes over when the driver
 * dies or was interrupted, shares its failure when it fails, and verifies the end for itself.
 */
export async function pursue(context: DriveContext, pursuit: Pursuit, signal: AbortSignal): Promise<Outcome> {
  const { recordId, changes } = pursuit;
  const folder = leaseFolder(context.home, recordId);
  for (;;) {
    const lease = await tryLock(folder);
    if (!lease) {
      const outcome = await follow(context, pursuit, folder, signal);
      if (outcome) return outcome;
      continue;
    }
    try {
      if ((await context.pods.get(recordId)) === undefined) return vanished(changes);
      return await drive(context, recordId, changes, signal);
    } finally {
      await lease.release();
    }
  }
}

/** Watches until the driver lets go. The answer is what it ended with, or undefined to drive now. */
async function follow(
  { pods, onState, env }: DriveContext,
  { recordId, changes, onFollowing }: Pursuit,
  folder: string,
  signal: AbortSignal,
): Promise<Outcome | undefined> {
  const driver = await lockHolder(folder);
  if (!driver) return undefined;
  onFollowing?.(driver);
  const begun = await pods.get(recordId);
  const wantsChange = changes.goal !== begun?.facts.goal || (changes.bootToReplace ?? null) !== null;
  if (wantsChange) await askFor(pods, recordId, changes.goal, changes.bootToReplace ?? null);
  let last = '';
  let facts: PodRecordFacts | undefined;
  while (isRunning(driver) && (await lockHolder(folder))?.pid === driver.pid) {
    const record = await pods.get(recordId);
    facts = record?.facts ?? facts;
    const state = record ? savedState(record) : last;
    if (facts && state !== last) onState(state, facts);
    last = state;
    await sleep(env.timings.followPollMs, undefined, { signal });
  }
  const record = await pods.get(recordId);
  const hasFailed = record && record.savedAt !== begun?.savedAt && savedState(record) === 'failed';
  return hasFailed ? { state: 'failed', facts: record.facts, failure: record.facts.failure } : undefined;
}

function vanished({ goal }: Pursuit['changes']): Outcome {
  const state: RestingState = 'terminated';
  return { state, facts: null, failure: goal === 'terminated' ? null : { code: 'podGone', detail: {} } };
}
