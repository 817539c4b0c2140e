import { observePod } from '../../services/runpod/pod-state.ts';
import type { Context } from '../context.ts';

/** Whether RunPod says that the pod is stopped; false where it does not say. */
export async function isStopped(context: Context, podId: string): Promise<boolean> {
  const pod = await (await context.runpod()).getPod(podId, context.signal).catch(() => undefined);
  return pod !== undefined && observePod(pod).condition === 'stopped';
}
