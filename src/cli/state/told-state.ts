import { type PodRecord, savedState } from '../../lifecycle/pod-records.ts';
import type { PodSeen } from '../../services/runpod/pod-state.ts';

/** States in which a pod runs, or is about to. */
const RUNNING = ['booting', 'startingComfyUI', 'ready'];

/**
 * The state autopod knows a pod in, where RunPod does not say otherwise: a pod that the keeper or somebody else
 * stopped is stopped, whatever it was when a command saw it last. Null where the record is out of date.
 */
export function toldState(
  record: PodRecord | undefined,
  { condition }: Pick<PodSeen, 'condition'>,
): string | null {
  if (!record) return null;
  const state = savedState(record);
  if (condition === 'stopped' && RUNNING.includes(state)) return 'stopped';
  return condition === 'running' && state === 'stopped' ? null : state;
}
