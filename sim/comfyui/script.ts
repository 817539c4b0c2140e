import type { ComfyUiVersion } from './recorded.ts';

/** What a ComfyUI follows. Times are in milliseconds. */
export interface ComfyScript {
  version: ComfyUiVersion;
  /** Spread over the nodes a job has to run. */
  jobMs: number;
  /** Of each node that runs. */
  nodeMs: number;
  /** Of each step of a sampler. */
  stepMs: number;
  /** From `execution_success` until the history has the job. */
  historyLagMs: number;
  /** Whether samplers send a picture with each step. */
  previews: boolean;
  /** Names of model files, by folder. */
  models: Readonly<Record<string, readonly string[]>>;
  extensions: readonly string[];
  /** A longer body is a 413. */
  maxBodyBytes: number;
  /** A real ComfyUI that answers in its place: `http://127.0.0.1:8188`. */
  at: string | null;
}

export const DEFAULT_SCRIPT: ComfyScript = {
  version: '0.33.0',
  jobMs: 0,
  nodeMs: 0,
  stepMs: 0,
  historyLagMs: 0,
  previews: false,
  models: {},
  extensions: [],
  maxBodyBytes: 104_857_600,
  at: null,
};

/** What goes wrong in a ComfyUI until it is told otherwise; counts go down as it does. */
export interface ComfyFaults {
  /** How the next jobs fail, one each. */
  failures: Failure[];
  /** Prompts that are taken while the answer is lost. */
  lostAnswers: number;
  /** Prompts whose connection is cut before they are read. */
  droppedPrompts: number;
  /** How `/view` answers. */
  view: ViewFault | null;
  /** Nothing can be written. */
  diskFull: boolean;
}

/** What an exception in a node says. */
export interface Failure {
  /** The exception's class: `ValueError`, `torch.OutOfMemoryError`. */
  type: string;
  message: string;
}

export interface ViewFault {
  /** Until the answer begins. */
  delayMs: number;
  bytesPerSecond: number | null;
  /** The connection is cut after so many bytes of a body. */
  cutAfterBytes: number | null;
  /** How many answers, null for all. */
  times: number | null;
}

export const OUT_OF_MEMORY: Failure = {
  type: 'torch.OutOfMemoryError',
  message:
    'CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 23.58 GiB of which 1.19 GiB is free.',
};

export function noFaults(): ComfyFaults {
  return { failures: [], lostAnswers: 0, droppedPrompts: 0, view: null, diskFull: false };
}
