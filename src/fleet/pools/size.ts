import type { Failure } from '../../errors.ts';
import { meanMs, waiting } from './fair.ts';
import type { PodSeen, PoolPod, PoolState } from './pool-types.ts';

/** Milliseconds before another pod is tried for, once one could not be made. */
const AGAIN_MS = 60_000;
/** Milliseconds in which a launch has a record, unless the server's disk is full. */
const UNKEPT_MS = 10 * 60_000;

/** What follows from a look at a pool's pods. */
export interface Looked {
  state: PoolState;
  /** Jobs whose pods are no more. */
  back: string[];
  /** Launches that are to be ended. */
  toEnd: string[];
}

/** Takes in how the pods stand: those that are no more are left, and their jobs called back. */
export function withLook(state: PoolState, seen: PodSeen[], now: number): Looked {
  const back: string[] = [];
  const toEnd: string[] = [];
  let { trouble } = state;
  const pods = state.pods.flatMap((pod): PoolPod[] => {
    const sight = seen.find(({ launchId }) => launchId === pod.launchId);
    if (!sight) return [pod];
    const standing = standingOf(pod, sight, now);
    if (standing === 'ready' && pod.standing !== 'ready') trouble = null;
    if (sight.failure && sight.state === 'failed') trouble = { failure: sight.failure, at: now };
    const isOver = standing === 'forgotten' || standing === 'lost';
    if (!isOver) {
      const isUp = pod.standing === 'coming' && standing !== 'coming';
      return [{ ...pod, podId: sight.podId ?? pod.podId, standing, ...(isUp && { busyAt: now }) }];
    }
    const called = pod.jobs.filter(({ isCalledBack }) => !isCalledBack);
    back.push(...called.map(({ jobId }) => jobId));
    // A launch that never had a record may still get one, and then a pod that no pool knows of.
    const mayCome = standing === 'forgotten' && pod.standing === 'coming' && pod.podId === null;
    if (mayCome || (standing === 'lost' && pod.standing !== 'leaving')) toEnd.push(pod.launchId);
    // It stays until its jobs have said that they are back.
    if (standing === 'forgotten' && pod.jobs.length === 0) return [];
    const jobs = pod.jobs.map((job) => ({ ...job, isCalledBack: true }));
    return [{ ...pod, podId: sight.podId ?? pod.podId, standing: 'leaving', jobs }];
  });
  return { state: { ...state, pods, trouble }, back, toEnd };
}

/** `lost`: it does not run, and does not come again by itself; `forgotten`: there is nothing of it left. */
function standingOf(
  pod: PoolPod,
  { state, standing, podId }: PodSeen,
  now: number,
): PoolPod['standing'] | 'lost' | 'forgotten' {
  if (state === null) {
    const isNotKeptYet = pod.standing === 'coming' && podId === null && now - pod.begunAt < UNKEPT_MS;
    return isNotKeptYet ? 'coming' : 'forgotten';
  }
  if (pod.standing === 'leaving') return pod.jobs.length > 0 ? 'lost' : 'leaving';
  if (LOST.includes(state) || standing === 'gone' || standing === 'stopped') return 'lost';
  if (state === 'ready') return standing ?? pod.standing;
  return pod.jobs.length > 0 ? 'unreachable' : 'coming';
}

const LOST = ['failed', 'stopped', 'stopping', 'terminating', 'terminated'];

/** How many pods there are to be: as many as the work needs that waits or is being done. */
export function wantedPods(state: PoolState): number {
  const { min, max, patienceMs } = state.wish;
  const jobs = waiting(state) + state.pods.reduce((sum, pod) => sum + pod.jobs.length, 0);
  // While none has told what a job takes, each may take long.
  const each = state.ran.jobs === 0 ? patienceMs : meanMs(state.ran);
  return Math.min(max, Math.max(min, Math.ceil((jobs * each) / patienceMs)));
}

/** How many pods are to be made now, and which are to be ended: never one that has a job. */
export function resized(state: PoolState, now: number): { toMake: number; toEnd: string[] } {
  const wanted = wantedPods(state);
  const alive = state.pods.filter(({ standing }) => standing !== 'leaving');
  const isHeldUp = state.trouble !== null && now - state.trouble.at < AGAIN_MS;
  const room = state.wish.max - state.pods.length;
  const toMake = isHeldUp ? 0 : Math.max(0, Math.min(wanted - alive.length, room));
  const isMore = alive.length > state.wish.max;
  const idle = alive
    .filter(({ jobs }) => jobs.length === 0)
    .filter(({ busyAt }) => isMore || now - busyAt >= state.wish.idleMs)
    .toSorted((a, b) => a.busyAt - b.busyAt);
  const toEnd = idle.slice(0, Math.max(0, alive.length - wanted)).map(({ launchId }) => launchId);
  return { toMake, toEnd };
}

/** A pod could not be had, whatever for. */
export function withTrouble(state: PoolState, failure: Failure, now: number): PoolState {
  return { ...state, trouble: { failure, at: now } };
}

/** Whether somebody has to look at the pods from time to time. */
export function needsLook(state: PoolState): boolean {
  return state.pods.length > 0 || waiting(state) > 0 || state.wish.min > 0;
}
