import type { JobFacts, JobOutput } from '../../machines/job-types.ts';

/** What of a job's making is on this machine, each file once. */
export function filesHere({ outputs, kept }: JobFacts): (JobOutput & { path: string })[] {
  const files = new Map<string, JobOutput & { path: string }>();
  for (const output of [...(kept ?? []), ...(outputs ?? [])]) {
    if (output.path !== null) files.set(output.path, { ...output, path: output.path });
  }
  return [...files.values()];
}
