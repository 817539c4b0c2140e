import type { Pod, RunPod } from './client.ts';
import { LAUNCH_ID_ENV } from './pod-request.ts';
import { observePod } from './pod-state.ts';

/**
 * How far apart the creates of one launch may have made their pods. Both times are RunPod's, so that this machine's
 * clock does not matter.
 */
const TWIN_WINDOW_MS = 5 * 60_000;

/** The pods that carry one launch id, oldest first: the launch's own, a twin, RunPod's migration of it, a copy. */
export async function findLaunch(runpod: RunPod, launchId: string, signal: AbortSignal): Promise<Pod[]> {
  return (await ownLaunches(runpod, signal)).filter((pod) => launchIdOf(pod) === launchId);
}

/** Every pod of the account that some autopod made, oldest first. */
export async function ownLaunches(runpod: RunPod, signal: AbortSignal): Promise<Pod[]> {
  const pods = await runpod.listPods(signal);
  return pods
    .filter((pod) => launchIdOf(pod) !== undefined && observePod(pod).condition !== 'gone')
    .toSorted((a, b) => (a.createdAt ?? '').localeCompare(b.createdAt ?? ''));
}

export function launchIdOf(pod: Pod): string | undefined {
  return pod.env?.[LAUNCH_ID_ENV];
}

/** What tells how many pods the creates of a launch may have made beside the one that is kept. */
export interface LaunchTrace {
  /** Creates whose answer was lost and whose pod was not found, while the launch has not been ready since. */
  unansweredCreates: number;
  wish: { name: string };
}

/**
 * Which of a launch's other pods were made by its lost creates. Where more could be than creates were lost, nobody can
 * tell which, and none counts: a twin is ended, and what is ended is gone.
 */
export function twinsOf(
  kept: Pod,
  made: Pod[],
  { unansweredCreates, wish }: LaunchTrace,
): { twins: Pod[]; others: Pod[] } {
  const rest = made.filter(({ id }) => id !== kept.id);
  const alike = rest.filter((pod) => pod.name === wish.name && isMadeTogether(pod, kept));
  const twins = alike.length <= unansweredCreates ? alike : [];
  return { twins, others: rest.filter((pod) => !twins.includes(pod)) };
}

/** Of the pods that carry one launch id, those made after this one, the newest first. */
export function laterThan(podId: string, made: Pod[]): Pod[] {
  const own = made.find(({ id }) => id === podId);
  return made
    .filter((pod) => pod.id !== podId && (pod.createdAt ?? '') >= (own?.createdAt ?? ''))
    .toReversed();
}

// A time that is missing or no time makes the difference NaN, which is in no window.
function isMadeTogether(pod: Pod, kept: Pod): boolean {
  return Math.abs(Date.parse(pod.createdAt ?? '') - Date.parse(kept.createdAt ?? '')) <= TWIN_WINDOW_MS;
}
