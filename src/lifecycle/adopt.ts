import { AutopodError } from '../errors.ts';
import type { AccessWish, PodWish } from '../machines/pod-types.ts';
import type { Pod } from '../services/runpod/client.ts';
import { launchIdOf } from '../services/runpod/launches.ts';
import { PUBLIC_KEY_ENV } from '../services/runpod/pod-request.ts';
import { observePod } from '../services/runpod/pod-state.ts';
import { letsIn, publicKeysIn } from '../services/ssh/public-keys.ts';
import { adoptedPod, type PodRecord, type PodStore, podRecord } from './pod-records.ts';

export interface AdoptContext {
  pods: PodStore;
  /** One line, as in authorized_keys; undefined when this machine has no key that can be used. */
  ownPublicKey: () => Promise<string | undefined>;
  /** Whether the command goes into the pod by ssh, so that a pod that does not take our key is of no use to it. */
  needsKey?: boolean;
}

export interface Wishes {
  wish: PodWish;
  access: AccessWish;
}

/**
 * Keeps a record of a pod that RunPod has; the answer is the record's id. The record of a pod is the one whose facts
 * name it, whatever launch id the pod carries: several pods may carry one (I15). Throws `podOfOtherKey`, and keeps
 * nothing, when the command needs ssh and the pod takes other keys only.
 */
export async function adopt(context: AdoptContext, pod: Pod, wishes: Wishes): Promise<string> {
  const isOthers = await takesOthersOnly(context, pod);
  if (isOthers && context.needsKey) throw podOfOtherKey([pod]);
  return context.pods.transact((records) => {
    const recordId = recordIdFor(records, pod);
    const saved = records[recordId];
    const record = saved ?? podRecord(factsFrom(pod, wishes), 'reconciling');
    records[recordId] = { ...record, facts: { ...record.facts, podId: pod.id, isOthers } };
    return recordId;
  });
}

/** Whether the pod names the keys it takes and ours is not among them. */
export async function takesOthersOnly({ ownPublicKey }: AdoptContext, pod: Pod): Promise<boolean> {
  const own = await ownPublicKey();
  return own !== undefined && letsIn(pod.env?.[PUBLIC_KEY_ENV], own) === false;
}

/** What is told of pods that do not take our key: whose they seem, and what they cost. */
export function podOfOtherKey(pods: Pod[]): AutopodError {
  const keys = pods.flatMap((pod) => publicKeysIn(pod.env?.[PUBLIC_KEY_ENV] ?? ''));
  const [pod] = pods;
  return new AutopodError('podOfOtherKey', {
    podId: pod?.id,
    pods: pods.map(({ id }) => id),
    status: pod?.status,
    costPerHour: pods.reduce((sum, one) => sum + observePod(one).costPerHour, 0),
    keys: [...new Set(keys.map(({ key, comment }) => comment || `${key.slice(0, 12)}…${key.slice(-8)}`))],
  });
}

// A launch id is a record's id where no other pod's record has it already.
function recordIdFor(records: Record<string, PodRecord>, pod: Pod): string {
  const own = Object.entries(records).find(([, { facts }]) => facts.podId === pod.id);
  if (own) return own[0];
  const launchId = launchIdOf(pod);
  if (launchId === undefined) return pod.id;
  const launch = records[launchId];
  const isTaken = launch !== undefined && launch.facts.podId !== null;
  return isTaken ? pod.id : launchId;
}

function factsFrom(pod: Pod, { wish, access }: Wishes) {
  const { gpuCount } = observePod(pod);
  return adoptedPod(
    { podId: pod.id, launchId: launchIdOf(pod) },
    { ...wish, name: pod.name, gpuCount },
    access,
  );
}
