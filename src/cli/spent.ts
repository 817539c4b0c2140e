import { observePod } from '../services/runpod/pod-state.ts';
import type { Context } from './context.ts';
import { spentThisRun } from './money.ts';

/** What this run of a pod has cost until now; undefined when RunPod does not say or nothing was spent. */
export async function spentUntilNow(context: Context, podId: string): Promise<number | undefined> {
  const pod = await (await context.runpod()).getPod(podId, context.signal).catch(() => undefined);
  const spent = pod ? spentThisRun(observePod(pod)) : 0;
  return spent > 0 ? spent : undefined;
}
