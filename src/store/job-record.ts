import { randomInt } from 'node:crypto';
import type { BatchFacts, JobFacts, JobState } from '../machines/job-types.ts';
import { RECORD_SCHEMA } from './record-schema.ts';
import type { StoredRecord } from './records.ts';

export type JobRecord = StoredRecord<JobFacts>;

/** A batch as it is kept: with its jobs by name, and whether all of them have ended. */
export interface BatchRecord extends StoredRecord<BatchFacts> {
  jobIds: string[];
  isFinished: boolean;
  /** Pods that were stopped or ended for it, as nothing was left for them. */
  endedPods: string[];
}

export const JOB_MACHINE = 'job@1';
export const BATCH_MACHINE = 'batch@1';

/** Letters and digits that are not taken for each other. */
const ID_CHARACTERS = 'abcdefghjkmnpqrstuvwxyz23456789';
const ID_LENGTH = 6;
/** A name of a job or a batch. */
export const JOB_ID = `[${ID_CHARACTERS}]{${ID_LENGTH}}`;

/** States in which nothing more happens to a job by itself. */
const ENDED: readonly JobState[] = ['done', 'failed', 'cancelled'];

/** A name for a job or a batch, short and easy to type: `k3f9xw`. */
export function newJobId(): string {
  return Array.from({ length: ID_LENGTH }, () => ID_CHARACTERS[randomInt(ID_CHARACTERS.length)]).join('');
}

/** The state a job was saved in. */
export function jobState({ snapshot }: JobRecord): JobState {
  return (snapshot as { value: JobState } | null)?.value ?? 'reconciling';
}

export function hasEnded(record: JobRecord): boolean {
  return ENDED.includes(jobState(record));
}

/** Whether a job has ended, and not as it should. */
export function isToRetry(record: JobRecord): boolean {
  return hasEnded(record) && jobState(record) !== 'done';
}

/** A job's facts as its file has them. */
export function jobRecord(facts: JobFacts, value: JobState): JobRecord {
  return stored(JOB_MACHINE, facts, { value });
}

/** A batch's facts as its file has them, with its jobs in their order. */
export function batchRecordOf(batch: BatchFacts, jobIds: string[]): BatchRecord {
  return { ...stored(BATCH_MACHINE, batch, null), jobIds, isFinished: false, endedPods: [] };
}

function stored<Facts>(machine: string, facts: Facts, snapshot: unknown): StoredRecord<Facts> {
  return { schema: RECORD_SCHEMA, machine, facts, snapshot, savedAt: new Date().toISOString() };
}
