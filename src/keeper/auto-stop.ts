import type { AutoStop } from './client.ts';

/** What is known of a pod's use. */
export interface Use {
  /** Epoch milliseconds of the last byte, job or change of plan. */
  quietSince: number;
  /** Jobs running and waiting; undefined when ComfyUI did not say. */
  jobs: number | undefined;
}

/** Milliseconds past its time after which a pod is stopped although its ComfyUI does not say whether it works. */
const UNKNOWN_GRACE_MS = 10 * 60_000;

/** Why the pod is to be stopped now, in words for the journal; undefined as long as it is not. */
export function reasonToStop(
  { stopAt, idleMs }: AutoStop,
  { quietSince, jobs }: Use,
  now: number,
): string | undefined {
  if (jobs !== undefined && jobs > 0) return undefined;
  const overdueMs = stopAt === null ? -1 : now - Date.parse(stopAt);
  const idleForMs = idleMs === null ? -1 : now - quietSince - idleMs;
  const graceMs = jobs === undefined ? UNKNOWN_GRACE_MS : 0;
  if (overdueMs >= graceMs) return `its time was up at ${stopAt}`;
  if (idleForMs >= graceMs)
    return `nothing was asked of it for ${Math.round((now - quietSince) / 60_000)} min`;
  return undefined;
}
