import { setTimeout as sleep } from 'node:timers/promises';
import { AutopodError } from '../errors.ts';
import type { PodFacts } from '../machines/pod-types.ts';
import { findLaunch, twinsOf } from '../services/runpod/launches.ts';
import { observePod, type PodSeen } from '../services/runpod/pod-state.ts';
import type { Environment } from './environment.ts';
import { findPod, getPod, settleTwins } from './look.ts';
import { patiently } from './patience.ts';

/** Starts a stopped pod, or restarts the boot that is to be replaced. Does nothing to a pod that runs as wished. */
export async function startPod(env: Environment, facts: PodFacts, signal: AbortSignal): Promise<void> {
  await patiently(env, signal, async () => {
    const seen = await see(env, facts, signal);
    if (seen.condition === 'stopped') await env.runpod.act(seen.podId, 'start', signal);
    if (seen.condition === 'running' && seen.bootId === facts.bootToReplace) {
      await env.book(seen, true);
      await env.runpod.act(seen.podId, 'restart', signal);
    }
  });
}

/** Stops the pod and waits until RunPod says it is stopped. Its tunnel stays wanted, and waits for the pod (I13). */
export async function stopPod(env: Environment, facts: PodFacts, signal: AbortSignal): Promise<void> {
  const podId = facts.podId ?? '';
  await patiently(env, signal, async () => {
    const seen = await see(env, facts, signal);
    if (seen.condition === 'stopped') return;
    if (seen.isLocked) throw new AutopodError('podLocked', { podId });
    if (seen.isStopping) return;
    await env.book(seen, true);
    await env.runpod.act(podId, 'stop', signal);
  });
  await until(env, podId, signal, async () => (await see(env, facts, signal)).condition === 'stopped');
}

/**
 * Deletes the pod and any twin of it that a lost create of its launch made, closes the tunnel, and waits until RunPod
 * no longer knows them. Other pods with the launch id are pointed at.
 */
export async function terminatePod(env: Environment, facts: PodFacts, signal: AbortSignal): Promise<void> {
  const podId = facts.podId ?? '';
  const terminate = (id: string) => patiently(env, signal, () => env.runpod.terminatePod(id, signal));
  const list = () => patiently(env, signal, () => findLaunch(env.runpod, facts.launchId, signal));
  const known = await getPod(env, podId, signal);
  if (known) await settleTwins(env, facts, known, await list(), signal);
  await terminate(podId);
  await env.keeper.close(podId, signal);
  await until(env, podId, signal, async () => {
    const made = await list();
    const twins = known ? twinsOf(known, made, facts).twins : [];
    const left = [...made.filter(({ id }) => id === podId), ...twins];
    for (const { id } of left) await terminate(id);
    return left.length === 0 && (await getPod(env, podId, signal)) === undefined;
  });
}

async function see(env: Environment, facts: PodFacts, signal: AbortSignal): Promise<PodSeen> {
  const pod = await findPod(env, facts, signal);
  if (!pod) throw new AutopodError('podGone', { podId: facts.podId ?? '' });
  return observePod(pod);
}

async function until(
  { timings, deadline }: Environment,
  podId: string,
  signal: AbortSignal,
  isDone: () => Promise<boolean>,
): Promise<void> {
  const givenUpAt = performance.now() + Math.min(timings.powerOffMs, deadline.leftMs);
  while (!(await isDone())) {
    if (performance.now() > givenUpAt)
      throw new AutopodError('podActionRefused', { podId, detail: 'not done in time' });
    await sleep(timings.podPollMs, undefined, { signal });
  }
}
