import type { StopPlan } from '../store/plans.ts';

/** What is known of a pod's use. */
export interface Use {
  /** When its time is up, by the clock of `now`; null where no time was named. */
  dueAt: number | null;
  /** When the last byte, job or change of plan was. */
  quietSince: number;
  /** Jobs running and waiting; undefined when ComfyUI did not say. */
  jobs: number | undefined;
  /** Milliseconds for which it was asked for them in vain since its time was up, this machine's sleep not counted. */
  unknownForMs: number;
}

/** After so long a pod is stopped although its ComfyUI does not say whether it works. */
export const UNKNOWN_GRACE_MS = 10 * 60_000;

/** Why a pod is to be stopped, in words for the journal. */
export interface DueReason {
  kind: 'time' | 'idle';
  words: string;
}

/** By `now` of a clock that nobody sets: why the pod is to be stopped now; undefined as long as it is not. */
export function reasonToStop(
  { stopAt, idleMs, why }: Pick<StopPlan, 'stopAt' | 'idleMs' | 'why'>,
  { dueAt, quietSince, jobs, unknownForMs }: Use,
  now: number,
): DueReason | undefined {
  if (jobs !== undefined && jobs > 0) return undefined;
  const overdueMs = dueAt === null ? -1 : now - dueAt;
  const idleForMs = idleMs === null ? -1 : now - quietSince - idleMs;
  if (jobs === undefined && unknownForMs < UNKNOWN_GRACE_MS) return undefined;
  const untold = jobs === undefined ? '; ComfyUI did not say whether it has jobs' : '';
  if (overdueMs >= 0) return { kind: 'time', words: `${why ?? `its time was up at ${stopAt}`}${untold}` };
  if (idleForMs < 0) return undefined;
  const minutes = Math.round((now - quietSince) / 60_000);
  return { kind: 'idle', words: `nothing was asked of it for ${minutes} min${untold}` };
}
