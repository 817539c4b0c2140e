import type { Failure } from '../errors.ts';
import type { PodWish } from '../machines/pod-types.ts';
import type { AutoStop } from '../store/plans.ts';
import type { Role } from './people/people.ts';

// What goes between the gateway and a member's command line, as JSON.

/** A launch of the fleet as its machine stands. */
export interface LaunchView {
  launchId: string;
  /** Null as long as RunPod has made none. */
  podId: string | null;
  name: string;
  owner: string;
  /** As `autopod help states` explains it. */
  state: string;
  failure: Failure | null;
}

/** The same with what RunPod says of the pod. */
export interface FleetPod extends LaunchView {
  /** RunPod's word; null where it knows none. */
  status: string | null;
  gpu: string | null;
  gpuCount: number;
  dataCenterId: string | null;
  image: string;
  uptimeSeconds: number;
  /** USD. */
  costPerHour: number;
  spent: number;
  isSpentAtLeast: boolean;
  /** Whether what was made there outlives a stop; null where RunPod knows no such pod. */
  hasVolume: boolean | null;
  ssh: { host: string; port: number; user: string } | null;
  /** When the fleet stops it by itself, ISO 8601, UTC. */
  stopAt: string | null;
  /** All that is planned, by whom it was asked and by the fleet's policy, and how the guard in the pod stands. */
  autoStop: AutoStop | null;
}

export interface Me {
  name: string;
  role: Role;
  /** Version of the server's autopod. */
  version: string;
}

export interface LoginRequest {
  invite: string;
  /** One line, as in authorized_keys; null where the machine has none that ssh could use. */
  publicKey: string | null;
}

export type LoginAnswer = Me & { token: string };

/** A link of the page is this after the gateway's address and `/#`. */
export interface PageCode {
  code: string;
  /** ISO 8601, UTC. */
  until: string;
}

/** `up`: on with the pod that is named, or the member's only one, or another one. */
export interface UpRequest {
  /** Made by whoever asks: asked again with it, nothing is bought again. */
  launchId: string;
  pod?: string | undefined;
  isNew: boolean;
  wish: PodWish;
  timeoutMs: number;
  /** From now on; left out, what was planned stays. */
  stopAfterMs?: number | 'never' | undefined;
  /** Likewise: without use for so long it is stopped. */
  idleStopMs?: number | 'never' | undefined;
}

/** A change of when a pod is stopped by itself; times count from now. */
export interface PlanRequest {
  stopAfterMs?: number | 'never' | undefined;
  idleStopMs?: number | 'never' | undefined;
  /** Beyond the time that is planned. */
  extendMs?: number | undefined;
}

export interface UpAnswer {
  launch: LaunchView;
  how: 'planned' | 'continued';
}

export const ASKABLE = ['start', 'stop', 'restart', 'kill'] as const;
export type Askable = (typeof ASKABLE)[number];
