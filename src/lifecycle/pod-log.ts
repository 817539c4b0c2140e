import { AutopodError } from '../errors.ts';
import type { LogQuery } from '../services/runpod/logs.ts';
import type { Environment } from './environment.ts';

/** What a drive itself has seen of the pod's present boot, so that it tells nothing of an earlier one. */
export interface Witness {
  /** The pod was placed by this drive: all of its log is about this boot. */
  isPlaced: boolean;
  /** RunPod's time of the start that this drive waited for; undefined when the pod ran already. */
  startedAt: string | undefined;
}

type Following = LogQuery & { source: 'system' | 'container' };

/** The system's log of a boot that is waited for. */
export function bootLog({ isPlaced }: Witness): Following {
  return { source: 'system', tail: isPlaced ? 20 : 0 };
}

/** The container's log since its start, where this drive saw that; else only what comes from now on. */
export function containerLog({ startedAt }: Witness): Following {
  return startedAt ? { source: 'container', since: startedAt } : { source: 'container', tail: 0 };
}

/** Does some work while the pod's log lines are told to whoever watches. The log never decides anything. */
export async function withPodLog<T>(
  env: Environment,
  podId: string,
  query: Following,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  const done = new AbortController();
  const following = followLog(env, podId, query, AbortSignal.any([signal, done.signal]));
  try {
    return await work();
  } finally {
    done.abort();
    await following;
  }
}

async function followLog(
  { runpod, tell }: Environment,
  podId: string,
  query: Following,
  signal: AbortSignal,
): Promise<void> {
  try {
    for await (const { line } of runpod.podLogs(podId, query, { signal })) {
      tell({ kind: 'podLog', source: query.source, line });
    }
  } catch (error) {
    if (!signal.aborted && !(error instanceof AutopodError)) throw error;
  }
}
