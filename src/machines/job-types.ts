import type { Failure } from '../errors.ts';

/** A file of this machine that a workflow takes in, by its content. */
export interface JobInput {
  /** Absolute path. */
  path: string;
  sha256: string;
  bytes: number;
  /** Where in the prompt the name that the server gives it goes. */
  targets: { nodeId: string; input: string }[];
}

/** Something ComfyUI made for a job, and how far it has come to this machine. */
export interface JobOutput {
  nodeId: string;
  /** Position among the node's outputs, from 0. */
  n: number;
  filename: string;
  subfolder: string;
  /** ComfyUI's folder; `temp` holds previews. */
  type: 'output' | 'temp' | 'input';
  /** Absolute path on this machine; null until it is whole there. */
  path: string | null;
  bytes: number | null;
  sha256: string | null;
  /** Of a fleet's job: in which bucket the file lies, and under which key, instead of at its path. */
  stored?: { bucket: string; key: string };
}

/** One time a job was handed to a ComfyUI. */
export interface Submission {
  podId: string;
  promptId: string;
  /** Epoch milliseconds of the request; null while it was not sent. */
  sentAt: number | null;
  /** ComfyUI has said that it has it. */
  isTaken?: boolean;
}

/** Where a job is; see job.ts. */
export type JobState =
  | 'reconciling'
  | 'waitingForPod'
  | 'preparing'
  | 'uploading'
  | 'submitting'
  | 'queued'
  | 'running'
  | 'downloading'
  | 'done'
  | 'failed'
  | 'cancelled';

/** What happens to the pods of a run when nothing is left for them. */
export type Then = 'keep' | 'stop' | 'kill';

/** What is kept of a job: enough to find the truth again at ComfyUI. */
export interface JobFacts {
  /** Short and typed by people, such as `k3f9xw`. */
  jobId: string;
  /** For people; the workflow's file name where none is given. */
  name: string;
  batchId: string;
  /** Position in its batch, from 0. */
  index: number;
  /** Epoch milliseconds. */
  createdAt: number;
  /** SHA-256 of the prompt in API format, which lies in `jobs/prompts/`. */
  prompt: string;
  /** SHA-256 of the editor's workflow in `jobs/prompts/`, as it is put into what is made; null where there is none. */
  workflow: string | null;
  /** What was changed in the workflow, as it was written: `3.seed=7`. */
  changes: string[];
  /** Seeds by node id and input: `{"3.seed": "7"}`; text, as they may exceed 2^53. */
  seeds: Record<string, string>;
  inputs: JobInput[];
  /** Titles of nodes by id. */
  titles: Record<string, string>;
  /** Absolute folder for what is made. */
  out: string;
  /** Template of file names. */
  nameTemplate: string;
  withPreviews: boolean;
  /** Permissions that its files shall not have, as the user's shell says. */
  umask?: number;
  /** The pod that has it; null until one is free. */
  podId: string | null;
  /** Latest last; the last one counts. */
  submissions: Submission[];
  /** Null until ComfyUI says that it is done. */
  outputs: JobOutput[] | null;
  /** What ComfyUI has taken it without: nodes whose outputs it found invalid, as it says it. */
  dropped?: string[];
  /** Those of an earlier submission that are here: they are not made again. */
  kept?: JobOutput[];
  /** Milliseconds ComfyUI says it ran; null while unknown. */
  ranMs: number | null;
  /** Epoch milliseconds by this machine's clock. */
  startedAt: number | null;
  endedAt: number | null;
  /** USD: the pod's rate while it ran; null while unknown. */
  usd: number | null;
  /** What ran it; null until it is known. */
  ranOn: { podId: string; gpu: string | null; pricePerHour: number | null; comfyui: string | null } | null;
  /** What others want of it. */
  asked: 'cancel' | null;
  failure: Failure | null;
  /** Of a fleet's job: whose it is. */
  owner?: string;
  /** Likewise: the pool whose pods work on it. */
  pool?: string;
  /** Likewise: epoch milliseconds at which its files were removed, as the fleet keeps them no longer. */
  cleanedAt?: number | undefined;
}

/** Jobs that were asked for together. */
export interface BatchFacts {
  batchId: string;
  name: string;
  createdAt: number;
  count: number;
  /** Pods whose turn it may be, most wanted first. */
  podIds: string[];
  onError: 'stop' | 'go-on';
  /** USD after which no further job is submitted; null without a limit. */
  maxCost: number | null;
  then: Then;
  /** The pods that this batch rented: `then` is about them and those it was told to end. */
  rented: string[];
  /** Of a fleet's batch: whose it is. */
  owner?: string;
  /** Likewise: the pool whose pods work on it. */
  pool?: string;
  /** Likewise: jobs of a higher one come first; 0 where nothing is said. */
  priority?: number;
}

/** How far a running job is, as ComfyUI tells; not kept. */
export interface JobProgress {
  /** Jobs before it in ComfyUI's queue, from 0; null once it runs. */
  place: number | null;
  nodeId: string | null;
  title: string | null;
  step: number | null;
  steps: number | null;
  nodesDone: number;
  nodes: number;
  /** Milliseconds from the server's own steps; null while unknown. */
  leftMs: number | null;
  /** Bytes of files that are here, and of all; null while unknown. */
  bytes: number | null;
  ofBytes: number | null;
  /** There is no room for its files where they go; they stay on the pod meanwhile. */
  isWaitingForRoom?: boolean;
}

/** What a look at ComfyUI, and at what is here, has found of a job. */
export type Found =
  /** No pod has it. */
  | { kind: 'nowhere' }
  /** It was not handed to a ComfyUI, or never arrived. */
  | { kind: 'notSent' }
  /** The ComfyUI that took it does not know of it any more, and its files are not here. */
  | { kind: 'lost' }
  | { kind: 'pending' }
  | { kind: 'running' }
  | ({ kind: 'made'; outputs: JobOutput[] } & Ran)
  | ({ kind: 'failed'; failure: Failure; outputs: JobOutput[] } & Ran)
  /** It was to be taken back, and no ComfyUI has it. */
  | { kind: 'cancelled' };

/** As in `JobFacts`. */
export type Ran = Pick<JobFacts, 'ranMs' | 'startedAt' | 'endedAt'>;

/** How it was handed over. */
export type Submitted = { kind: 'taken'; dropped?: string[] } | { kind: 'refused'; failure: Failure };

export interface JobContext extends JobFacts {
  /** Names that ComfyUI has given to the job's inputs, in their order. */
  uploaded: string[];
}

export interface JobInputFacts {
  facts: JobFacts;
}

export type JobEvent =
  | { type: 'cancel.requested' }
  /** A pod is to work on it. */
  | { type: 'pod.given'; podId: string }
  /** Its pod is stopped or gone. */
  | { type: 'pod.taken' }
  /** Of the files it made some more are here. */
  | { type: 'files.arrived'; outputs: JobOutput[] };
