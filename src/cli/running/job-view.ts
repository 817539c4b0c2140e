import { filesHere } from '../../jobs/files/index.ts';
import { type JobRecord, jobState } from '../../store/job-record.ts';

/** A job as `--json` shows it. */
export function jobJson(record: JobRecord) {
  const { facts } = record;
  const { jobId, batchId, name, index, podId, ranOn, ranMs, usd, changes, seeds, failure } = facts;
  return {
    jobId,
    batchId,
    name,
    index,
    state: jobState(record),
    podId: ranOn?.podId ?? podId,
    gpu: ranOn?.gpu ?? null,
    comfyui: ranOn?.comfyui ?? null,
    promptId: facts.submissions.at(-1)?.promptId ?? null,
    createdAt: isoTime(facts.createdAt),
    startedAt: isoTime(facts.startedAt),
    endedAt: isoTime(facts.endedAt),
    seconds: seconds(ranMs),
    usd: usd === null ? null : millionths(usd),
    changes,
    seeds,
    files: filesHere(facts).map(({ path, bytes, sha256 }) => ({ path, bytes, sha256 })),
    notMade: facts.dropped ?? [],
    failure,
    ...(facts.cleanedAt !== undefined && { cleanedAt: isoTime(facts.cleanedAt) }),
  };
}

/** To a tenth. */
export function seconds(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms / 100) / 10;
}

/** USD to a ten-thousandth of a cent: a job of a second costs about a hundredth. */
export function millionths(usd: number): number {
  return Math.round(usd * 1e6) / 1e6;
}

export function isoTime(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
