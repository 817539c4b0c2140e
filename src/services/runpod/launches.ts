import type { Pod, RunPod } from './client.ts';
import { LAUNCH_ID_ENV } from './pod-request.ts';
import { observePod } from './pod-state.ts';

/** The pods made for one launch, oldest first. More than one means that an unanswered create went through. */
export async function findLaunch(runpod: RunPod, launchId: string, signal: AbortSignal): Promise<Pod[]> {
  return (await ownLaunches(runpod, signal)).filter((pod) => pod.env?.[LAUNCH_ID_ENV] === launchId);
}

/** Every pod of the account that some autopod made, oldest first. */
export async function ownLaunches(runpod: RunPod, signal: AbortSignal): Promise<Pod[]> {
  const pods = await runpod.listPods(signal);
  return pods
    .filter((pod) => pod.env?.[LAUNCH_ID_ENV] !== undefined && observePod(pod).condition !== 'gone')
    .toSorted((a, b) => (a.createdAt ?? '').localeCompare(b.createdAt ?? ''));
}
