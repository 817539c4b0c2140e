import type { Entry, PoolPod, PoolState, Returned } from './pool-types.ts';

/** Jobs that ComfyUI has of a pod: one runs, and the next one is ready. */
const AT_COMFYUI = 2;
/** Jobs of one pod, those included whose files are on their way. */
const AT_A_POD = 8;
/** What a job is taken to need while none has told: milliseconds. */
const UNKNOWN_MS = 60_000;

/** A job and where it is to go. */
export interface NextJob {
  pod: PoolPod;
  entry: Entry;
  /** Undefined for the entry's next one. */
  returned?: Returned;
}

/**
 * The job that is next, and the pod that has the least to do: what a pod gave back first, then by priority, then whoever
 * has had the least of the pods' time, then by age. Undefined where nothing waits or no pod is free.
 */
export function nextJob({ entries, returned, pods, had }: PoolState): NextJob | undefined {
  const pod = freest(pods);
  if (!pod) return undefined;
  for (const one of returned) {
    const entry = entries.find(({ batchId }) => batchId === one.batchId);
    if (entry) return { pod, entry, returned: one };
  }
  const [entry] = entries
    .filter((one) => one.next < one.count && mayBegin(one, atWork(pods, one.batchId)))
    .toSorted(
      (a, b) => b.priority - a.priority || hadBy(had, a.owner) - hadBy(had, b.owner) || a.order - b.order,
    );
  return entry && { pod, entry };
}

/** Milliseconds that a job takes here. */
export function meanMs({ jobs, ms }: PoolState['ran']): number {
  return jobs === 0 ? UNKNOWN_MS : ms / jobs;
}

/** Jobs of a batch that pods have. */
export function atWork(pods: PoolPod[], batchId: string): number {
  return pods.reduce((sum, { jobs }) => sum + jobs.filter((job) => job.batchId === batchId).length, 0);
}

/** Jobs that no pod has and that may be handed to one. */
export function waiting({ entries, lines = [], returned }: PoolState): number {
  const ahead = entries.reduce((sum, { count, next, withdrawn }) => sum + count - next - withdrawn, 0);
  return lines.reduce((sum, { jobs }) => sum + jobs, ahead) + returned.length;
}

/** Jobs that have not ended, by person. */
export function unendedBy({ entries, lines = [] }: PoolState): Record<string, number> {
  const jobs: Record<string, number> = {};
  const add = (owner: string, count: number) => {
    jobs[owner] = (jobs[owner] ?? 0) + count;
  };
  for (const { owner, count, ended } of entries) add(owner, count - ended);
  for (const line of lines) add(line.owner, line.jobs);
  return jobs;
}

/**
 * Lets somebody in who had nothing to do: on a level with whoever has had the least, so that neither idleness is saved up
 * nor those who come later wait for what was before them.
 */
export function letIn({ had, entries }: PoolState, owner: string): Record<string, number> {
  const present = new Set(entries.map((entry) => entry.owner));
  const others = Object.entries(had).filter(([name]) => present.has(name));
  if (present.has(owner)) return Object.fromEntries(others);
  const least = Math.min(...others.map(([, ms]) => ms));
  return { ...Object.fromEntries(others), [owner]: Number.isFinite(least) ? least : 0 };
}

function hadBy(had: Record<string, number>, owner: string): number {
  return had[owner] ?? 0;
}

/** Whether one more job may cost what the others have; until one has told what that is, a pod gets one. */
function mayBegin({ maxCost, usd, ran }: Entry, atWorkNow: number): boolean {
  if (maxCost === null) return true;
  if (ran === 0) return atWorkNow === 0;
  return usd + (usd / ran) * atWorkNow < maxCost || atWorkNow === 0;
}

function freest(pods: PoolPod[]): PoolPod | undefined {
  const load = ({ jobs }: PoolPod) => jobs.filter(({ isAtComfy }) => isAtComfy).length;
  return pods
    .filter((pod) => pod.standing === 'ready' && load(pod) < AT_COMFYUI && pod.jobs.length < AT_A_POD)
    .toSorted((a, b) => load(a) - load(b) || a.jobs.length - b.jobs.length)[0];
}
