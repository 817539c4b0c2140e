import type { AutoStop } from '../store/plans.ts';

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

/** By `now` of a clock that nobody sets: why the pod is to be stopped now, in words for the journal; undefined as long as it is not. */
export function reasonToStop(
  { stopAt, idleMs }: AutoStop,
  { dueAt, quietSince, jobs, unknownForMs }: Use,
  now: number,
): string | undefined {
  if (jobs !== undefined && jobs > 0) return undefined;
  const overdueMs = dueAt === null ? -1 : now - dueAt;
  const idleForMs = idleMs === null ? -1 : now - quietSince - idleMs;
  if (jobs === undefined && unknownForMs < UNKNOWN_GRACE_MS) return undefined;
  if (overdueMs >= 0) return `its time was up at ${stopAt}`;
  if (idleForMs >= 0) return `nothing was asked of it for ${Math.round((now - quietSince) / 60_000)} min`;
  return undefined;
}
