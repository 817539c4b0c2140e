import type { JobFacts, JobOutput } from '../../machines/job-types.ts';

/**
 * The absolute path for a file, by the job's template, in the subfolder that ComfyUI has it in and never outside the
 * job's folder. `when` is in epoch milliseconds; the same for the same job each time, or its files come twice.
 */
export function targetPath(
  _facts: Pick<JobFacts, 'jobId' | 'name' | 'index' | 'seeds' | 'titles' | 'out' | 'nameTemplate'>,
  _output: Pick<JobOutput, 'nodeId' | 'n' | 'filename' | 'subfolder'>,
  _when: number,
): string {
  throw new Error('to come');
}
