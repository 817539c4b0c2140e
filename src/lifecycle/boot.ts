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
  const boot = new Boot(env.timings.publicPortMs);
  const ran = await bootOf(env, facts, boot, signal);
  witness.runsSince = ran?.bootId;
  if (ran) return { podId };
  return withPodLog(
    env,
    podId,
    bootLog(witness),
    signal,
    async () => {
      for (;;) {
        const booted = await bootOf(env, facts, boot, signal);
        witness.startedAt = booted?.bootId || undefined;
        if (booted) return { podId };
        if (env.deadline.isOver) throw new AutopodError('bootTimedOut', { podId, isRunning: boot.isRunning });
        await sleep(Math.min(env.timings.podPollMs, env.deadline.leftMs), undefined, { signal });
      }
    },
    (line) => boot.read(line),
  );
}

/** Why RunPod itself stops a pod; nothing but its log says so. */
const STOPPED_BY_RUNPOD = /IMAGE_AUTH_ERROR|IMAGE_NOT_FOUND|IMAGE_PULL_ERROR|CUDA_VERSION_MISMATCH/;

/** What was seen of a boot, look by look. */
class Boot {
  readonly #publicPortMs: number;
  #runsFrom: number | undefined;
  #stopReason: string | undefined;
  /** RunPod has shown the pod. */
  isSeen = false;

  constructor(publicPortMs: number) {
    this.#publicPortMs = publicPortMs;
  }

  get isRunning(): boolean {
    return this.#runsFrom !== undefined;
  }

  read(line: string): void {
    this.#stopReason = STOPPED_BY_RUNPOD.exec(line)?.[0] ?? this.#stopReason;
  }

  /** Throws `podUnreachable` once the pod has run too long without a public ssh port. */
  runsWithoutPort({ podId, uptimeSeconds }: PodSeen): undefined {
    this.#runsFrom ??= performance.now() - uptimeSeconds * 1000;
    if (performance.now() - this.#runsFrom < this.#publicPortMs) return undefined;
    throw new AutopodError('podUnreachable', { podId, seconds: Math.round(this.#publicPortMs / 1000) });
  }

  stopped(podId: string): AutopodError {
    const reason = this.#stopReason;
    if (reason === 'CUDA_VERSION_MISMATCH') {
      return new AutopodError('gpuUnusable', { podId, cause: 'driver', line: reason });
    }
    return new AutopodError('podNotRunning', { podId, ...(reason && { reason }) });
  }
}

/** The pod, once it can be reached. One that was seen and is not any more is gone. */
async function bootOf(
  env: Environment,
  facts: PodFacts,
  boot: Boot,
  signal: AbortSignal,
): Promise<PodSeen | undefined> {
  const podId = facts.podId ?? '';
  const pod = await findPod(env, facts, signal);
  if (!pod && boot.isSeen) throw new AutopodError('podGone', { podId });
  if (!pod) return failUnlessLate(env, facts);
  boot.isSeen = true;
  const seen = observePod(pod);
  if (seen.condition === 'broken') throw new AutopodError('podBroken', { podId });
  if (seen.condition === 'stopped' && facts.bootToReplace === null) {
    throw boot.stopped(podId);
  }
  if (seen.condition !== 'running' || seen.bootId === facts.bootToReplace) return undefined;
  if (seen.gpuCount === 0) throw new AutopodError('podWithoutGpu', { podId });
  if (!seen.hasSshPort) throw new AutopodError('podWithoutSsh', { podId });
  return seen.ssh ? seen : boot.runsWithoutPort(seen);
}

// RunPod's answers may lag behind its own create.
function failUnlessLate(env: Environment, { podId, launchedAt }: PodFacts): undefined {
  if (ageMs(launchedAt) < env.timings.lateInListMs) return undefined;
  throw new AutopodError('podGone', { podId: podId ?? '' });
}
