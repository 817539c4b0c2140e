import { AutopodError } from '../errors.ts';
import type { Environment } from './environment.ts';

/** Does some work while the pod's log lines are told to whoever watches. The log never decides anything. */
export async function withPodLog<T>(
  env: Environment,
  podId: string,
  source: 'system' | 'container',
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  const done = new AbortController();
  const following = followLog(env, podId, source, AbortSignal.any([signal, done.signal]));
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
  source: 'system' | 'container',
  signal: AbortSignal,
): Promise<void> {
  try {
    for await (const { line } of runpod.podLogs(podId, { source, tail: 20 }, signal)) {
      tell({ kind: 'podLog', source, line });
    }
  } catch (error) {
    if (!signal.aborted && !(error instanceof AutopodError)) throw error;
  }
}
