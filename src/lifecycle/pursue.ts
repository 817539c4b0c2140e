import { setTimeout as sleep } from 'node:timers/promises';
import { leaseFolder } from '../store/home.ts';
import { type Holder, lockHolder, tryLock } from '../store/lock.ts';
import { isSuspended } from '../store/process-identity.ts';
import { askFor, type DriveContext, drive, type Outcome, type RestingState } from './drive.ts';
import { fenceOf } from './fence.ts';
import { type PodRecordFacts, savedState } from './pod-records.ts';

export interface Pursuit {
  recordId: string;
  /** What this run wants changed in the facts; the goal above all. */
  changes: Partial<PodRecordFacts> & Pick<PodRecordFacts, 'goal'>;
  /** Told once when another process drives the pod and this one only watches. */
  onFollowing?: (driver: Holder) => void;
  /** Told once of a driver that does not move, and whether its pod is taken from it. */
  onUnmoved?: (driver: Holder, isPassedOver: boolean) => void;
}

/**
 * Brings a pod to a goal: drives it, or follows the process that does. A follower takes over when the driver
 * dies or was interrupted, shares its failure when it fails, and verifies the end for itself. One that is to save money
 * takes over also from a driver that does not hear it.
 */
export async function pursue(context: DriveContext, pursuit: Pursuit, signal: AbortSignal): Promise<Outcome> {
  const { recordId, changes } = pursuit;
  const folder = leaseFolder(context.home, recordId);
  let unmoved: Holder | undefined;
  for (;;) {
    const lease = await tryLock(folder, {
      passesOver: (holder) => unmoved !== undefined && isSame(holder, unmoved),
    });
    if (!lease) {
      const followed = await follow(context, pursuit, folder, signal);
      if (followed.outcome) return followed.outcome;
      unmoved = followed.unmoved;
      continue;
    }
    try {
      if ((await context.pods.get(recordId)) === undefined) return vanished(changes);
      return await drive(context, recordId, changes, fenceOf(lease, folder, recordId), signal);
    } finally {
      await lease.release();
    }
  }
}

interface Followed {
  /** What the driver ended with; without it, it is our turn to drive. */
  outcome?: Outcome;
  /** The driver, if it is to be passed over. */
  unmoved?: Holder;
}

/** Watches until the driver lets go, or is to be passed over. */
async function follow(
  { pods, onState, env }: DriveContext,
  { recordId, changes, onFollowing, onUnmoved }: Pursuit,
  folder: string,
  signal: AbortSignal,
): Promise<Followed> {
  const driver = await lockHolder(folder);
  if (!driver) return {};
  onFollowing?.(driver);
  const begun = await pods.get(recordId);
  const savesMoney = changes.goal !== 'ready';
  const wantsChange = changes.goal !== begun?.facts.goal || (changes.bootToReplace ?? null) !== null;
  // One that moves takes the word at once, whatever it is at.
  if (wantsChange || savesMoney) await askFor(pods, recordId, changes.goal, changes.bootToReplace ?? null);
  let heardAt = performance.now();
  let isTold = false;
  let last = '';
  let facts: PodRecordFacts | undefined;
  while (isSame(await lockHolder(folder), driver)) {
    const record = await pods.get(recordId);
    facts = record?.facts ?? facts;
    const state = record ? savedState(record) : last;
    if (facts && state !== last) onState(state, facts);
    last = state;
    const isHeard = savesMoney ? record?.facts.asked?.goal !== changes.goal : !isSuspended(driver);
    if (isHeard) heardAt = performance.now();
    const isUnmoved = performance.now() - heardAt > env.timings.unmovedMs;
    if (isUnmoved && !isTold) onUnmoved?.(driver, savesMoney);
    isTold ||= isUnmoved;
    if (isUnmoved && savesMoney) return { unmoved: driver };
    await sleep(env.timings.followPollMs, undefined, { signal });
  }
  const record = await pods.get(recordId);
  const hasFailed = record && record.savedAt !== begun?.savedAt && savedState(record) === 'failed';
  if (!hasFailed) return {};
  const { failure, podId } = record.facts;
  return { outcome: { state: 'failed', facts: record.facts, failure, podId } };
}

function isSame(one: Holder | undefined, other: Holder | undefined): boolean {
  return one?.pid === other?.pid && one?.startedAt === other?.startedAt && one?.since === other?.since;
}

function vanished({ goal }: Pursuit['changes']): Outcome {
  const state: RestingState = 'terminated';
  return {
    state,
    facts: null,
    podId: null,
    failure: goal === 'terminated' ? null : { code: 'podGone', detail: {} },
  };
}
