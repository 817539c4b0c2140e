import { awaitComfyUI } from '../../lifecycle/comfy.ts';
import { unbegunFacts } from '../../lifecycle/pod-records.ts';
import type { PodWish } from '../../machines/pod-types.ts';
import { accessWish, type WaitOptions, wishOfFound } from '../arguments/wishes.ts';
import type { Context } from '../context.ts';
import { showProgress } from '../views/progress.ts';

/**
 * Opens this machine's own tunnel to a pod of the fleet, and waits until ComfyUI answers through it. Nothing of it goes
 * through the fleet's server, which tells the keeper only where the pod is.
 */
export async function reachComfyUI(
  context: Context,
  podId: string,
  wish: Pick<PodWish, 'name' | 'image'>,
  options: Pick<WaitOptions, 'tunnel' | 'localPort'>,
): Promise<number | null> {
  const progress = showProgress(context.out, new Map());
  try {
    const { env } = await context.driving({ onState: () => undefined, tell: progress.tell });
    const facts = { ...unbegunFacts(podId, wishOfFound(wish), accessWish(options)), podId };
    const witness = { isPlaced: false, startedAt: undefined, runsSince: undefined };
    return (await awaitComfyUI(env, facts, witness, context.signal)).localPort;
  } finally {
    progress.end();
  }
}
