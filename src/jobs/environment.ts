import type { JobProgress } from '../machines/job-types.ts';
import type { ComfyWay } from '../services/comfyui/index.ts';
import type { JobStore } from '../store/jobs.ts';
import type { Journal } from '../store/journal.ts';

/** How a pod stands, as far as jobs go. */
export type PodStanding =
  /** Its ComfyUI answers. */
  | 'ready'
  /** ComfyUI answers, and is to get nothing more: the pod's time is up. */
  | 'closing'
  /** It may be at work; nobody can ask it. */
  | 'unreachable'
  /** RunPod shows it stopped: what its ComfyUI had in memory is no more. */
  | 'stopped'
  /** RunPod does not have it any more. */
  | 'gone';

/** What is known of a pod that jobs run on; null where RunPod did not say. */
export interface PodAbout {
  gpu: string | null;
  /** USD. */
  pricePerHour: number | null;
}

/** The pods as jobs use them. The keeper has them. */
export interface JobPods {
  /** How a pod stands now. Sees to it that there is a tunnel, and asks RunPod where there is none. */
  standing(podId: string): Promise<PodStanding>;
  /** The way to its ComfyUI. Throws `comfyUnanswered` while there is none. */
  way(podId: string): ComfyWay;
  about(podId: string, signal: AbortSignal): Promise<PodAbout>;
  /** Has a pod stopped or ended for good, as it is done when its time is up; resolves when that is on disk. */
  end(podId: string, how: 'stop' | 'kill'): Promise<void>;
  /** Epoch milliseconds at which it is to be stopped; undefined when at no named time. */
  stopAt(podId: string): number | undefined;
}

export interface JobTimings {
  /** Between two questions to ComfyUI for one job. */
  jobPollMs: number;
  /** For so long after it was sent, a prompt that ComfyUI does not know may still be on its way. */
  jobArrivalMs: number;
}

/** What the work of a job is joined to, wherever its machine runs. */
export interface WorkEnvironment {
  store: Pick<JobStore, 'content'>;
  pods: Pick<JobPods, 'standing' | 'way' | 'about'>;
  timings: JobTimings;
  /** How far a job is; null when it is not running any more. */
  onProgress: (jobId: string, progress: JobProgress | null) => void;
}

export interface JobEnvironment extends WorkEnvironment {
  store: JobStore;
  journal: Journal;
  pods: JobPods;
  log: (line: string) => void;
  /** Whether another batch has something left for a pod. */
  isNeededElsewhere: (podId: string, batchId: string) => boolean;
}
