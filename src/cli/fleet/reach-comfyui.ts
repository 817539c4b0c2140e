import { awaitComfyUI } from '../../lifecycle/comfy.ts';
import type { PodWish } from '../../machines/pod-types.ts';
import { accessWish, type WaitOptions } from '../arguments/wishes.ts';
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
    const facts = {
      launchId: podId,
      launchedAt: Date.now(),
      podId,
      wish: { ...NOTHING_ASKED, ...wish },
      access: accessWish(options),
      goal: 'ready' as const,
      isCreateOpen: false,
      unansweredCreates: 0,
      bootToReplace: null,
      localPort: null,
      failure: null,
    };
    const witness = { isPlaced: false, startedAt: undefined, runsSince: undefined };
    return (await awaitComfyUI(env, facts, witness, context.signal)).localPort;
  } finally {
    progress.end();
  }
}

/** The pod is there: nothing is made from this. */
const NOTHING_ASKED = {
  gpuPreferences: [],
  gpuCount: 1,
  diskGb: 0,
  cloud: 'SECURE' as const,
  volumeMount: '/workspace',
  exposedPorts: [],
};
