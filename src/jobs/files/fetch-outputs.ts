import type { JobFacts, JobOutput } from '../../machines/job-types.ts';
import type { ComfyWay } from '../../services/comfyui/index.ts';

/** The outputs of a job that belong on this machine: previews only where they were asked for. */
export function wantedOutputs(_facts: JobFacts): JobOutput[] {
  throw new Error('to come');
}

export interface FetchedSoFar {
  /** Every output of the job; those that are here have their path, size and SHA-256. */
  outputs: JobOutput[];
  bytes: number;
  /** Null while the size of some is unknown. */
  ofBytes: number | null;
}

/**
 * Brings everything a job made to its folder, several files at a time, each with its sidecar. What is here whole is
 * left as it is, what is here in part is continued: call it again after any failure. `onFile` is told after each file,
 * so that it can be saved, and awaited; `onBytes` more often. Gives all outputs of the job.
 *
 * Throws what `downloadOutput` throws, and `outputFolderLeadsOut`, after the downloads that were under way have ended.
 */
export async function fetchOutputs(
  _way: ComfyWay,
  _facts: JobFacts,
  _signal: AbortSignal,
  _on: {
    onFile?: (outputs: JobOutput[]) => Promise<void> | void;
    onBytes?: (soFar: FetchedSoFar) => void;
  } = {},
): Promise<JobOutput[]> {
  throw new Error('to come');
}
