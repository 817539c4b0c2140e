import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { AutopodError } from '../../errors.ts';
import type { FleetJob } from '../../fleet/wire-jobs.ts';
import { jobOfFile } from '../../jobs/files/index.ts';
import type { BatchFacts } from '../../machines/job-types.ts';
import { sha256Of } from '../../services/comfyui/index.ts';
import { hasEnded } from '../../store/job-record.ts';
import type { Context } from '../context.ts';
import { fleetText } from '../text/fleet.ts';
import { jobClient } from './job-client.ts';
import { recordOf } from './job-files.ts';

interface Meant {
  batch: BatchFacts;
  /** Null where the whole batch is meant. */
  job: FleetJob | null;
}

/**
 * The job or batch that is named, by a file that it made as well, or the only batch of the member's that goes on. Throws
 * `jobNotFound`, `jobNotChosen`.
 */
export async function meant(context: Context, named: string | undefined): Promise<Meant> {
  const client = jobClient(context);
  if (named !== undefined) return (await isFile(named)) ? ofFile(context, named) : client.job(named);
  const [only, ...others] = await goingOn(context);
  if (!only) throw new AutopodError('jobNotFound', { reason: 'Every job of yours has ended.' });
  if (others.length > 0) {
    throw new AutopodError('jobNotChosen', { jobs: [only, ...others].map(({ batchId }) => batchId) });
  }
  return client.job(only.batchId);
}

/** The member's own batches of which some job has not ended. */
export async function goingOn(context: Context): Promise<BatchFacts[]> {
  const client = jobClient(context);
  const own = (await client.jobs(false)).jobs.filter(
    (job) => job.facts.owner === context.fleet?.name && !hasEnded(recordOf(job)),
  );
  const ids = [...new Set(own.map(({ facts }) => facts.batchId))];
  return Promise.all(ids.map(async (id) => (await client.batch(id)).batch));
}

/** By what lies beside the file, else by its content, which the fleet knows. */
async function ofFile(context: Context, file: string): Promise<Meant> {
  const client = jobClient(context);
  const known = (await jobOfFile(resolve(file))) ?? (await sha256Of(file));
  return client.job(known).catch((error: unknown) => {
    if (!(error instanceof AutopodError) || error.code !== 'jobNotFound') throw error;
    throw new AutopodError('jobNotFound', { job: file, reason: fleetText.unknownFile(file) });
  });
}

function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isFile(),
    () => false,
  );
}
