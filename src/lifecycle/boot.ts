import { setTimeout as sleep } from 'node:timers/promises';
import { ageMs } from '../clock.ts';
import { AutopodError } from '../errors.ts';
import type { PodFacts } from '../machines/pod-types.ts';
import { observePod, type PodSeen } from '../services/runpod/pod-state.ts';
import type { Environment } from './environment.ts';
import { findPod } from './look.ts';
import { bootLog, type Witness, withPodLog } from './pod-log.ts';

/** Waits until the pod runs and its sshd has a public address. */
export async function awaitBoot(
  env: Environment,
  facts: PodFacts,
  witness: Witness,
  signal: AbortSignal,
): Promise<{ podId: string }> {
  const podId = facts.podId ?? '';
  const memory = { isSeen: false };
  if (await bootOf(env, facts, memory, signal)) return { podId };
  return withPodLog(env, podId, bootLog(witness), signal, async () => {
    for (;;) {
      const booted = await bootOf(env, facts, memory, signal);
      witness.startedAt = booted?.bootId || undefined;
      if (booted) return { podId };
      if (env.deadline.isOver) throw new AutopodError('bootTimedOut', { podId });
      await sleep(Math.min(env.timings.podPollMs, env.deadline.leftMs), undefined, { signal });
    }
  });
}

/** The pod, once it can be reached. One that was seen and is not any more is gone. */
async function bootOf(
  env: Environment,
  facts: PodFacts,
  memory: { isSeen: boolean },
  signal: AbortSignal,
): Promise<PodSeen | undefined> {
  const podId = facts.podId ?? '';
  const pod = await findPod(env, facts, signal);
  if (!pod && memory.isSeen) throw new AutopodError('podGone', { podId });
  if (!pod) return failUnlessLate(env, facts);
  memory.isSeen = true;
  const seen = observePod(pod);
  if (seen.condition === 'broken') throw new AutopodError('podBroken', { podId });
  if (seen.condition === 'stopped' && facts.bootToReplace === null) {
    throw new AutopodError('podNotRunning', { podId });
  }
  if (seen.condition !== 'running' || seen.bootId === facts.bootToReplace) return undefined;
  if (seen.gpuCount === 0) throw new AutopodError('podWithoutGpu', { podId });
  if (!seen.ports.includes('22/tcp')) throw new AutopodError('podWithoutSsh', { podId });
  return seen.ssh ? seen : undefined;
}

// RunPod's answers may lag behind its own create.
function failUnlessLate(env: Environment, { podId, launchedAt }: PodFacts): undefined {
  if (ageMs(launchedAt) < env.timings.lateInListMs) return undefined;
  throw new AutopodError('podGone', { podId: podId ?? '' });
}
