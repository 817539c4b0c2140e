import type { JobFacts, JobOutput } from '../../machines/job-types.ts';

/** Writes FILE.json beside a file that was made: what made it, on what, in what time and for how much. */
export async function writeSidecar(_facts: JobFacts, _output: JobOutput): Promise<void> {
  throw new Error('to come');
}

/**
 * The id of the job that made a file, by the sidecars in its folder and the file's SHA-256; undefined when none tells.
 * A file that was renamed is found; one that was edited is not.
 */
export async function jobOfFile(_path: string): Promise<string | undefined> {
  throw new Error('to come');
}
