import { setTimeout as sleep } from 'node:timers/promises';
import { ageMs } from '../clock.ts';
import { AutopodError } from '../errors.ts';
import type { PodFacts, Sighting } from '../machines/pod-types.ts';
import type { Pod } from '../services/runpod/client.ts';
import { findLaunch, twinsOf } from '../services/runpod/launches.ts';
import { observePod } from '../services/runpod/pod-state.ts';
import type { Environment } from './environment.ts';
import { patiently } from './patience.ts';

/**
 * Finds the pod of a launch by its id and by its launch id. Where a create may have gone unanswered, or the
 * pod is so young that RunPod's list may hide it, a pod that is not seen is looked for again until the list
 * has had time to settle.
 */
export async function lookForPod(env: Environment, facts: PodFacts, signal: AbortSignal): Promise<Sighting> {
  const { timings, deadline, tell } = env;
  const isLate = facts.podId !== null && ageMs(facts.launchedAt) < timings.lateInListMs;
  const settleMs = facts.isCreateOpen || isLate ? timings.listSettleMs : 0;
  const lookUntil = performance.now() + settleMs;
  for (let isFirst = true; ; isFirst = false) {
    const pod = await findPod(env, facts, signal);
    if (pod) {
      await env.book(observePod(pod), false);
      return sightingOf(pod);
    }
    if (settleMs === 0 || performance.now() >= lookUntil) return { found: 'nothing' };
    // That it was not seen in a shorter time says nothing: then the next command looks further.
    deadline.throwIfOver();
    if (isFirst) tell({ kind: 'lookingFurther', forMs: Math.min(settleMs, deadline.leftMs) });
    await sleep(Math.min(timings.lookAgainMs, deadline.leftMs), undefined, { signal });
  }
}

/**
 * One look. A pod that is known is looked for by its id and no other takes its place (I15); only a launch that has none
 * yet is found by its launch id. While a create of the launch is unanswered its twins are ended, and other pods with the
 * launch id are pointed at.
 */
export async function findPod(
  env: Environment,
  facts: PodFacts,
  signal: AbortSignal,
): Promise<Pod | undefined> {
  const { podId, launchId, isCreateOpen, unansweredCreates } = facts;
  const isSettled = unansweredCreates === 0 && !isCreateOpen;
  const known = podId === null ? undefined : await getPod(env, podId, signal);
  if (known && isSettled) return known;
  const made = await patiently(env, signal, () => findLaunch(env.runpod, launchId, signal));
  const pod = podId === null ? made[0] : (known ?? made.find(({ id }) => id === podId));
  if (pod && !isSettled) await settleTwins(env, facts, pod, made, signal);
  return pod;
}

/** The pod with this id; undefined when RunPod does not know it or says that it is gone. */
export async function getPod(env: Environment, podId: string, signal: AbortSignal): Promise<Pod | undefined> {
  try {
    const pod = await patiently(env, signal, () => env.runpod.getPod(podId, signal));
    return observePod(pod).condition === 'gone' ? undefined : pod;
  } catch (error) {
    if (error instanceof AutopodError && error.code === 'podNotFound') return undefined;
    throw error;
  }
}

/** Ends the twins among a launch's pods and points at the others. */
export async function settleTwins(
  env: Environment,
  facts: PodFacts,
  kept: Pod,
  made: Pod[],
  signal: AbortSignal,
): Promise<void> {
  const { twins, others } = twinsOf(kept, made, facts);
  for (const { id: podId } of twins) {
    await patiently(env, signal, () => env.runpod.terminatePod(podId, signal));
    env.tell({ kind: 'twinTerminated', podId, keptPodId: kept.id });
  }
  for (const pod of others) {
    const { podId, costPerHour } = observePod(pod);
    env.tell({ kind: 'twinSeen', podId, keptPodId: kept.id, costPerHour });
  }
}

function sightingOf(pod: Pod): Sighting {
  const { condition, bootId } = observePod(pod);
  if (condition === 'gone') return { found: 'nothing' };
  return { found: 'pod', podId: pod.id, condition, bootId };
}
