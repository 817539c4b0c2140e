import { observePod, type PodSeen } from '../services/runpod/pod-state.ts';
import type { Context } from './context.ts';

/** USD since the pod was last started: running time only, at the present rate. */
export function spentThisRun({ uptimeSeconds, costPerHour }: PodSeen): number {
  return (uptimeSeconds / 3600) * costPerHour;
}

/** `3h 05m`, `12m`, `40s`. */
export function uptimeWords(seconds: number): string {
  if (seconds < 60) return `${Math.floor(seconds)}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m`;
  return `${Math.floor(minutes / 60)}h ${String(minutes % 60).padStart(2, '0')}m`;
}

/** What this run of a pod has cost until now; undefined when RunPod does not say or nothing was spent. */
export async function spentUntilNow(context: Context, podId: string): Promise<number | undefined> {
  const pod = await (await context.runpod()).getPod(podId, context.signal).catch(() => undefined);
  const spent = pod ? spentThisRun(observePod(pod)) : 0;
  return spent > 0 ? spent : undefined;
}
