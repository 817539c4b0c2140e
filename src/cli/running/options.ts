import type { Then } from '../../machines/job-types.ts';
import type { LaunchOptions } from '../arguments/wishes.ts';
import type { ReplaceOptions } from '../waiting/replacing.ts';

/** As `run` is given them; those of `up` count with `--up` and with `--pods N`. */
export interface RunOptions extends Omit<LaunchOptions, 'name'>, ReplaceOptions {
  set?: string[];
  seed?: string;
  input?: string[];
  show?: boolean;
  out: string;
  /** Template of file names. */
  name: string;
  previews?: boolean;
  /** False where no picture is to be shown. */
  preview: boolean;
  then: Then;
  up?: boolean;
  podName?: string;
  detach?: boolean;
  count: number;
  sweep?: string[];
  rows?: string;
  onError: 'stop' | 'go-on';
  maxCost?: number;
  /** How many, or which. */
  pods?: number | string[];
  /** Of a fleet. */
  pool?: string;
  /** Likewise: jobs of a higher one come first. */
  priority?: number;
}

/** What of them is `up`'s; the tunnel is always kept, for the keeper works through it. */
export function launchOptions({ name: _, podName, ...options }: RunOptions): LaunchOptions & ReplaceOptions {
  return { ...options, tunnel: true, ...(podName !== undefined && { name: podName }) };
}
