import { setTimeout as sleep } from 'node:timers/promises';
import { AutopodError } from '../errors.ts';
import type { PodFacts } from '../machines/pod-types.ts';
import { findLaunch, twinsOf } from '../services/runpod/launches.ts';
import { observePod, type PodSeen } from '../services/runpod/pod-state.ts';
import type { Environment } from './environment.ts';
import { findPod, getPod, settleTwins } from './look.ts';
import { patiently } from './patience.ts';
import { rateWhenRunning } from './rate.ts';

/** Starts a stopped pod, or restarts the boot that is to be replaced. Does nothing to a pod that runs as wished. */
export async function startPod(env: Environment, facts: PodFacts, signal: AbortSignal): Promise<void> {
  await patiently(env, signal, async () => {
    const seen = await see(env, facts, signal);
    if (seen.condition === 'stopped') await startWithinLimits(env, seen, signal);
    if (seen.condition === 'running' && seen.bootId === facts.bootToReplace) {
      await env.book(seen, true);
      await env.runpod.act(seen.podId, 'restart', signal);
    }
  });
}

async function startWithinLimits(env: Environment, seen: PodSeen, signal: AbortSignal): Promise<void> {
  const { podId } = seen;
  const costPerHour = await rateWhenRunning(env.runpod, seen, signal);
  await env.spend({ podId, costPerHour }, signal, () => env.runpod.act(podId, 'start', signal));
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
  const request = new Request(env, podId, 'stop');
  await until(env, request, signal, async () => {
    const seen = await see(env, facts, signal);
    if (seen.condition === 'stopped') return true;
    request.isNotDone(seen.costPerHour);
    if (request.isDueAgain && !seen.isStopping) {
      await patiently(env, signal, () => env.runpod.act(podId, 'stop', signal));
      request.isTaken();
    }
    return false;
  });
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
  if (known) await env.book(observePod(known), true);
  if (known) await settleTwins(env, facts, known, await list(), signal);
  await terminate(podId);
  await env.keeper.close(podId, signal);
  const request = new Request(env, podId, 'end');
  await until(env, request, signal, async () => {
    const made = await list();
    const twins = known ? twinsOf(known, made, facts).twins : [];
    const left = [...made.filter(({ id }) => id === podId), ...twins];
    for (const { id } of left) await terminate(id);
    const found = await getPod(env, podId, signal);
    if (found) request.isNotDone(observePod(found).costPerHour);
    return left.length === 0 && found === undefined;
  });
}

async function see(env: Environment, facts: PodFacts, signal: AbortSignal): Promise<PodSeen> {
  const pod = await findPod(env, facts, signal);
  if (!pod) throw new AutopodError('podGone', { podId: facts.podId ?? '' });
  return observePod(pod);
}

/** A stop or an end that RunPod has taken, until RunPod shows it done. */
class Request {
  readonly #env: Environment;
  readonly #podId: string;
  readonly #action: 'stop' | 'end';
  readonly #takenAt = new Date();
  #askAgainAt = 0;
  #costPerHour: number | undefined;

  constructor(env: Environment, podId: string, action: 'stop' | 'end') {
    this.#env = env;
    this.#podId = podId;
    this.#action = action;
    this.isTaken();
  }

  get isDueAgain(): boolean {
    return performance.now() >= this.#askAgainAt;
  }

  isTaken(): void {
    this.#askAgainAt = performance.now() + this.#env.timings.powerAgainMs;
  }

  /** Told once: until it is done the pod costs. */
  isNotDone(costPerHour: number): void {
    const isFirst = this.#costPerHour === undefined;
    this.#costPerHour = costPerHour;
    const { tell, timings, deadline } = this.#env;
    const forMs = deadline.isSaid ? deadline.leftMs : Math.min(timings.powerOffMs, deadline.leftMs);
    if (isFirst) tell({ kind: 'powerTaken', podId: this.#podId, action: this.#action, costPerHour, forMs });
  }

  get failure(): AutopodError {
    return new AutopodError('podActionNotDone', {
      podId: this.#podId,
      action: this.#action,
      takenAt: this.#takenAt.toISOString(),
      costPerHour: this.#costPerHour,
    });
  }
}

// Where the user has said how long, it is that long.
async function until(
  { timings, deadline }: Environment,
  request: Request,
  signal: AbortSignal,
  isDone: () => Promise<boolean>,
): Promise<void> {
  const patienceMs = deadline.isSaid ? deadline.leftMs : Math.min(timings.powerOffMs, deadline.leftMs);
  const givenUpAt = performance.now() + patienceMs;
  while (!(await isDone())) {
    if (performance.now() > givenUpAt) throw request.failure;
    await sleep(timings.podPollMs, undefined, { signal });
  }
}
