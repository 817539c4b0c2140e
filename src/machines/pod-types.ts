import type { Failure } from '../errors.ts';

/** RunPod's tiers; `ALL` tries Secure first. */
export type Cloud = 'SECURE' | 'COMMUNITY' | 'ALL';

export interface ExposedPort {
  port: number;
  label?: string;
}

/** What the user asked to have created. */
export interface PodWish {
  name: string;
  /** Docker image. */
  image: string;
  /** Names as the user wrote them, most wanted first. */
  gpuPreferences: string[];
  gpuCount: number;
  /** The CUDA version a host must have at least, `major.minor`; any host will do without one. */
  minCudaVersion?: string;
  diskGb: number;
  cloud: Cloud;
  dataCenterId?: string;
  volumeId?: string;
  /** The volume is the one of config.json, not asked for this time. */
  isVolumeDefault?: boolean;
  volumeMount: string;
  /** Ports made public through RunPod's proxy. Empty unless the user asked (I10). */
  exposedPorts: ExposedPort[];
}

/** One create request worth trying. */
export interface Candidate {
  gpuId: string;
  gpuName: string;
  dataCenterId?: string;
  cloud: 'SECURE' | 'COMMUNITY';
  /** The catalogue's hint: NONE, LOW, MEDIUM or HIGH. */
  stock: string;
  /** USD per hour for all GPUs of the pod. */
  pricePerHour: number;
}

/** A candidate RunPod did not place, with its reason. */
export interface Refusal {
  candidate: Candidate;
  failure: Failure;
}

/** How the user reaches ComfyUI once it runs. */
export interface AccessWish {
  /** False with `--no-tunnel`: readiness is proven through a temporary tunnel. */
  keepTunnel: boolean;
  localPort: number | 'auto';
  /** The command line names the port. A tunnel that stands keeps its own otherwise. */
  isPortAsked?: boolean;
}

/** A pod whose place another launch takes. */
export interface ReplacedPod {
  recordId: string;
  podId: string;
  /** On a full host it is ended when the other one is ready; one that can never work as soon as the other one is placed. */
  reason: 'hostFull' | 'broken';
}

/** Where a driven pod shall end. */
export type Goal = 'ready' | 'stopped' | 'terminated';

/** The part of the context that is kept as facts: enough to find the truth again without a snapshot. */
export interface PodFacts {
  /** Set in the pod's environment, so that a pod of ours can be told from any other (I1, I3). */
  launchId: string;
  /** When the launch was first asked for, epoch milliseconds. */
  launchedAt: number;
  podId: string | null;
  wish: PodWish;
  access: AccessWish;
  goal: Goal;
  /** A create request may have left and its outcome is not known. */
  isCreateOpen: boolean;
  /**
   * Creates whose answer was lost and whose pod was not found, as long as the launch has not been ready since: so many
   * twins may turn up.
   */
  unansweredCreates: number;
  /** Boot that a requested restart shall replace; null when none is asked. */
  bootToReplace: string | null;
  /** Local port of the tunnel once it stands. */
  localPort: number | null;
  failure: Failure | null;
  /** The pod this launch was begun in place of, until that one is ended. */
  replaces?: ReplacedPod | null;
}

export interface PodContext extends PodFacts {
  plan: Candidate[];
  /** Index into `plan` of the candidate being placed. */
  candidate: number;
  refusals: Refusal[];
  /** Epoch milliseconds at which waiting for readiness is to be given up, for those who watch: nothing goes by it. */
  readyBy: number;
}

export interface PodInput {
  facts: PodFacts;
  /** As in `PodContext`. */
  readyBy: number;
}

/** The pod of a launch where one was to be made. */
export interface Placed {
  podId: string;
  /** It was there before. */
  isFound?: boolean;
}

/** What a look at RunPod found. */
export type Sighting =
  | { found: 'nothing' }
  | { found: 'pod'; podId: string; condition: 'pending' | 'running' | 'stopped' | 'broken'; bootId: string };

export type PodEvent =
  | { type: 'stop.requested' }
  | { type: 'start.requested' }
  | { type: 'restart.requested'; bootId: string }
  | { type: 'terminate.requested' };
