import { setTimeout as sleep } from 'node:timers/promises';
import { ageMs } from '../clock.ts';
import { AutopodError } from '../errors.ts';
import type { PodFacts, Sighting } from '../machines/pod-types.ts';
import type { Pod } from '../services/runpod/client.ts';
import { findLaunch } from '../services/runpod/launches.ts';
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

/** One look. Where RunPod made several pods of one launch, the others are ended or pointed at. */
export async function findPod(
  env: Environment,
  facts: PodFacts,
  signal: AbortSignal,
): Promise<Pod | undefined> {
  const needsNoList = facts.podId !== null && facts.unansweredCreates === 0 && !facts.isCreateOpen;
  const known = facts.podId === null ? undefined : await getPod(env, facts.podId, signal);
  if (known && needsNoList) return known;
  const made = await patiently(env, signal, () => findLaunch(env.runpod, facts.launchId, signal));
  const pod = known ?? made[0];
  if (pod) await settleTwins(env, facts, pod, made, signal);
  return pod;
}

async function getPod(env: Environment, podId: string, signal: AbortSignal): Promise<Pod | undefined> {
  try {
    const pod = await patiently(env, signal, () => env.runpod.getPod(podId, signal));
    return observePod(pod).condition === 'gone' ? undefined : pod;
  } catch (error) {
    if (error instanceof AutopodError && error.code === 'podNotFound') return undefined;
    throw error;
  }
}

async function settleTwins(
  env: Environment,
  facts: PodFacts,
  kept: Pod,
  made: Pod[],
  signal: AbortSignal,
): Promise<void> {
  for (const twin of made.filter((pod) => pod.id !== kept.id)) {
    const isOurs = isTwin(facts, twin);
    if (isOurs) await patiently(env, signal, () => env.runpod.terminatePod(twin.id, signal));
    env.tell({ kind: isOurs ? 'twinTerminated' : 'twinSeen', podId: twin.id, keptPodId: kept.id });
  }
}

/**
 * Whether another pod with our launch id was made by a create of ours that went unanswered. A copy made by
 * hand in RunPod's console carries the launch id too, and is not ours to end.
 */
export function isTwin({ isCreateOpen, unansweredCreates, wish }: PodFacts, pod: Pod): boolean {
  return (isCreateOpen || unansweredCreates > 0) && pod.name === wish.name;
}

function sightingOf(pod: Pod): Sighting {
  const { condition, bootId } = observePod(pod);
  if (condition === 'gone') return { found: 'nothing' };
  return { found: 'pod', podId: pod.id, condition, bootId };
}
