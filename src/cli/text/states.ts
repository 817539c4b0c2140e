import type { GuardState } from '../../machines/guard.ts';
import type { JobState } from '../../machines/job-types.ts';
import type { TunnelState } from '../../machines/tunnel.ts';

/** Every state a pod can be in, by its full name. */
export type PodStateName =
  | 'reconciling'
  | 'creating.validatingVolume'
  | 'creating.volumeValidated'
  | 'creating.placing'
  | 'creating.lookingAgain'
  | 'booting'
  | 'startingComfyUI'
  | 'ready'
  | 'stopping'
  | 'stopped'
  | 'starting'
  | 'terminating'
  | 'terminated'
  | 'failed';

/** What a pod is doing in a state, as progress shows it. */
export const POD_STATE_WORDS: Record<PodStateName, string> = {
  reconciling: 'Asking RunPod',
  'creating.validatingVolume': 'Checking the volume',
  'creating.volumeValidated': 'Volume validated; planning the placement',
  'creating.placing': 'Creating the pod',
  'creating.lookingAgain': 'Answer lost; looking for the pod before asking again',
  booting: 'Booting',
  startingComfyUI: 'ComfyUI starting',
  ready: 'Ready',
  stopping: 'Stopping',
  stopped: 'Stopped',
  starting: 'Starting',
  terminating: 'Ending the pod',
  terminated: 'Ended',
  failed: 'Failed',
};

/** What is true whether or not there is a volume to check. */
const WITHOUT_VOLUME: Record<string, string> = {
  'creating.validatingVolume': 'Planning the placement',
  'creating.volumeValidated': 'Planning the placement',
};

/** A pod's state in words; where it is not known whether there is a volume, none is spoken of. */
export function podStateWords(state: string, hasVolume = false): string {
  const words: Record<string, string> = hasVolume
    ? POD_STATE_WORDS
    : { ...POD_STATE_WORDS, ...WITHOUT_VOLUME };
  return words[state] ?? state;
}

/** What a tunnel is doing in a state, as the timeline and `tunnel --status` show it. */
export const TUNNEL_STATE_WORDS: Record<TunnelState, string> = {
  starting: 'opening',
  healthy: 'healthy',
  dead: 'disconnected',
  recreating: 'reconnecting',
  waitingForPod: 'waiting for the pod to run',
  failed: 'failed',
  stopping: 'closing',
  stopped: 'closed',
};

/** How the guard of a pod stands, as the timeline shows it. */
export const GUARD_STATE_WORDS: Record<GuardState, string> = {
  unarmed: 'not armed: the pod has no plan',
  arming: 'being armed',
  armed: 'armed in the pod',
  due: 'due',
  fired: 'ends the pod',
  refused: 'not armed, only this machine watches',
};

/** What a job is doing in a state, as the timeline and `jobs` show it. */
export const JOB_STATE_WORDS: Record<JobState, string> = {
  reconciling: 'asking ComfyUI',
  waitingForPod: 'waiting for a pod',
  preparing: 'preparing',
  uploading: 'uploading',
  submitting: 'submitting',
  queued: 'queued',
  running: 'running',
  downloading: 'downloading',
  done: 'done',
  failed: 'failed',
  cancelled: 'cancelled',
};
