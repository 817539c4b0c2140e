import { setTimeout as sleep } from 'node:timers/promises';
import { AutopodError, type FailureCode, toFailure } from '../errors.ts';
import type { Environment } from './environment.ts';

const PASSING: readonly FailureCode[] = [
  'apiUnreachable',
  'apiUnavailable',
  'apiRateLimited',
  'apiAnswerUnexpected',
];
/** Failures of a create after which it is certain that RunPod made nothing. */
const NEVER_ARRIVED: readonly FailureCode[] = ['apiUnreachable', 'apiRateLimited'];

type Needs = Pick<Environment, 'timings' | 'tell' | 'deadline'>;

/** Asks again while RunPod is out of reach or busy; for requests that change nothing, or that may run twice. */
export function patiently<T>(env: Needs, signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
  return retryWhile(env, signal, PASSING, ask);
}

/** For a create: asks again only when the request certainly had no effect. */
export function patientlyCreate<T>(env: Needs, signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
  return retryWhile(env, signal, NEVER_ARRIVED, ask);
}

/** Patience ends with the command's deadline; where the user has named none, when it is used up. It is told once. */
async function retryWhile<T>(
  { timings, tell, deadline }: Needs,
  signal: AbortSignal,
  codes: readonly FailureCode[],
  ask: () => Promise<T>,
): Promise<T> {
  let givenUpAt: number | undefined;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof AutopodError) || !codes.includes(error.code)) throw error;
      const isFirst = givenUpAt === undefined;
      const patienceMs = deadline.isSaid ? deadline.leftMs : Math.min(timings.apiPatienceMs, deadline.leftMs);
      givenUpAt ??= performance.now() + patienceMs;
      const leftMs = givenUpAt - performance.now();
      const { retryAfterSeconds } = error.detail;
      const askedMs = typeof retryAfterSeconds === 'number' ? retryAfterSeconds * 1000 : 0;
      if (leftMs <= 0 || askedMs > leftMs) throw error;
      if (isFirst) tell({ kind: 'waitingForApi', failure: toFailure(error), forMs: leftMs });
      await sleep(Math.min(askedMs || timings.apiRetryMs, leftMs), undefined, { signal });
    }
  }
}
