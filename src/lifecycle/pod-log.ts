import { AutopodError } from '../errors.ts';
import type { FollowedLine, LogQuery } from '../services/runpod/logs.ts';
import type { Environment } from './environment.ts';

/** What a drive itself has seen of the pod's present boot, so that it tells nothing of an earlier one. */
export interface Witness {
  /** The pod was placed by this drive: all of its log is about this boot. */
  isPlaced: boolean;
  /** RunPod's time of the start that this drive waited for; undefined when the pod ran already. */
  startedAt: string | undefined;
  /** The same, also of a pod that ran already. */
  runsSince: string | undefined;
}

interface Following {
  query: LogQuery & { source: 'system' | 'container' };
  /** Whether the line is about this boot. */
  isOfThisBoot: (line: FollowedLine) => boolean;
  /** Whether what was said before this drive looked is told, too. */
  isPastTold: boolean;
}

/** Lines of a boot that was not waited for in which a crash is looked for. */
const LATEST = 400;

/** The system's log of a boot that is waited for. */
export function bootLog({ isPlaced }: Witness): Following {
  const query = { source: 'system', tail: isPlaced ? 20 : 0 } as const;
  return { query, isOfThisBoot: () => true, isPastTold: true };
}

/** The container's log since its start; where this drive did not see that, only what comes from now on is told. */
export function containerLog({ startedAt, runsSince }: Witness): Following {
  if (startedAt) {
    const query = { source: 'container', since: startedAt } as const;
    return { query, isOfThisBoot: () => true, isPastTold: true };
  }
  const since = Date.parse(runsSince ?? '');
  return {
    query: { source: 'container', tail: LATEST },
    isOfThisBoot: ({ ts }) => Date.parse(ts) >= since,
    isPastTold: false,
  };
}

/** Does some work while the pod's log is told to whoever watches; `heed` gets each line of this boot. */
export async function withPodLog<T>(
  env: Pick<Environment, 'runpod' | 'tell'>,
  podId: string,
  following: Following,
  signal: AbortSignal,
  work: () => Promise<T>,
  heed: (line: string) => void = () => undefined,
): Promise<T> {
  const done = new AbortController();
  const followed = followLog(env, podId, following, heed, AbortSignal.any([signal, done.signal]));
  try {
    return await work();
  } finally {
    done.abort();
    await followed;
  }
}

async function followLog(
  { runpod, tell }: Pick<Environment, 'runpod' | 'tell'>,
  podId: string,
  { query, isOfThisBoot, isPastTold }: Following,
  heed: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  try {
    for await (const line of runpod.podLogs(podId, query, { signal })) {
      if (isOfThisBoot(line)) heed(line.line);
      if (isPastTold || line.isLive) tell({ kind: 'podLog', source: query.source, line: line.line });
    }
  } catch (error) {
    if (!signal.aborted && !(error instanceof AutopodError)) throw error;
  }
}
