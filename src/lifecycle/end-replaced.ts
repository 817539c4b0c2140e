import type { PodFacts } from '../machines/pod-types.ts';
import { observePod } from '../services/runpod/pod-state.ts';
import type { Environment } from './environment.ts';
import { getPod } from './look.ts';
import { patiently } from './patience.ts';
import { heldBy } from './replacement.ts';

/**
 * Ends a pod that can never work once the one in its place is placed: while it holds its host, RunPod does not hand that
 * host out again. A pod of a full host stays until the other one is ready.
 */
export async function endBroken(
  env: Environment,
  { replaces }: PodFacts,
  signal: AbortSignal,
): Promise<void> {
  if (replaces?.reason !== 'broken') return;
  const { podId } = replaces;
  const pod = await getPod(env, podId, signal);
  if (!pod || heldBy(pod) !== undefined) return;
  await env.book(observePod(pod), true);
  await patiently(env, signal, () => env.runpod.terminatePod(podId, signal));
  env.tell({ kind: 'brokenEnded', podId });
}
