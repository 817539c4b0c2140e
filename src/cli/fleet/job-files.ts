import type { FleetJob } from '../../fleet/wire-jobs.ts';
import { bringOutputs, type Download, filesHere } from '../../jobs/files/index.ts';
import type { JobFacts, JobOutput } from '../../machines/job-types.ts';
import { type JobRecord, jobRecord } from '../../store/job-record.ts';

/**
 * Brings what a job has made to a folder of this machine, named as it was asked for when it was submitted; what is here
 * whole is left as it is. The answer is the job with its files as they are here.
 */
export async function filesOfJob(
  { facts, state }: FleetJob,
  out: string,
  download: Download,
  signal: AbortSignal,
): Promise<JobRecord> {
  // Also what came of an earlier submission belongs to it.
  const there = filesHere(facts);
  const places = new Map(there.map((output) => [keyOf(output), output.path]));
  const asked: JobFacts = {
    ...facts,
    out,
    umask: process.umask(),
    kept: [],
    outputs: there.map((output) => ({ ...output, path: null })),
  };
  const outputs = await bringOutputs(
    (output, ...how) => download({ ...output, path: places.get(keyOf(output)) ?? null }, ...how),
    asked,
    signal,
  );
  return jobRecord({ ...asked, outputs: [...outputs, ...withoutFile(facts)] }, state);
}

/** A job as the fleet tells it, with nothing of it here. */
export function recordOf({ facts, state }: FleetJob): JobRecord {
  return jobRecord(facts, state);
}

function withoutFile({ outputs }: JobFacts): JobOutput[] {
  return (outputs ?? []).filter(({ path }) => path === null);
}

function keyOf({ nodeId, n, filename }: JobOutput): string {
  return JSON.stringify([nodeId, n, filename]);
}
