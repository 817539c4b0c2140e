import type { RunPod } from '../services/runpod/client.ts';
import type { PodSeen } from '../services/runpod/pod-state.ts';

/**
 * USD per hour a stopped pod will cost when it runs, by RunPod's catalogue; undefined where that does not tell. The pod
 * itself tells 0 as long as it is stopped.
 */
export async function rateWhenRunning(
  runpod: RunPod,
  { gpuName, gpuCount, cloud }: PodSeen,
  signal: AbortSignal,
): Promise<number | undefined> {
  const count = Math.max(1, gpuCount);
  const catalog = await runpod.gpuCatalog({ count, cloud }, signal);
  const price = catalog.find(({ id }) => id === gpuName)?.price;
  const unit = cloud === 'SECURE' ? price?.secure : price?.community;
  return unit ? unit * count : undefined;
}
