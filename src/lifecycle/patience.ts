import { setTimeout as sleep } from 'node:timers/promises';
import pRetry from 'p-retry';
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

/** Asks again while RunPod is out of reach or busy; for requests that change nothing, or that may run twice. */
export function patiently<T>(env: Environment, signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
  return retryWhile(env, signal, PASSING, ask);
}

/** For a create: asks again only when the request certainly had no effect. */
export function patientlyCreate<T>(env: Environment, signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
  return retryWhile(env, signal, NEVER_ARRIVED, ask);
}

function retryWhile<T>(
  { timings, tell }: Environment,
  signal: AbortSignal,
  codes: readonly FailureCode[],
  ask: () => Promise<T>,
): Promise<T> {
  const givenUpAt = Date.now() + timings.apiPatienceMs;
  return pRetry(ask, {
    retries: Number.POSITIVE_INFINITY,
    minTimeout: 0,
    signal,
    shouldRetry: ({ error }) =>
      error instanceof AutopodError && codes.includes(error.code) && Date.now() < givenUpAt,
    onFailedAttempt: async ({ error }) => {
      if (!(error instanceof AutopodError) || !codes.includes(error.code)) return;
      tell({ kind: 'waitingForApi', failure: toFailure(error) });
      await sleep(pauseAfter(error, timings.apiRetryMs), undefined, { signal });
    },
  });
}

function pauseAfter({ detail }: AutopodError, apiRetryMs: number): number {
  return typeof detail.retryAfterSeconds === 'number' ? detail.retryAfterSeconds * 1000 : apiRetryMs;
}
