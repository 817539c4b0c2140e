import { setTimeout as sleep } from 'node:timers/promises';
import { AutopodError, type FailureCode } from '../errors.ts';
import { isSameAddress, type SshAddress } from '../machines/tunnel.ts';
import type { Locator, PodLocation } from './locate.ts';
import type { KeeperTimings } from './timings.ts';

interface PodWatchOptions {
  locator: Locator;
  timings: Pick<KeeperTimings, 'locateEveryMs' | 'maxLocateMs' | 'podPollMs'>;
}

/** RunPod did not say; the pod may still be where it was. */
const RUNPOD_SILENT: readonly FailureCode[] = [
  'apiUnreachable',
  'apiUnavailable',
  'apiRateLimited',
  'apiAnswerUnexpected',
  'apiKeyMissing',
  'apiKeyRefused',
  'apiForbidden',
  'configMalformed',
];

/** Asks RunPod again and again until the pod is elsewhere than at the known address, or does not run. */
export function watchPod(
  { locator, timings }: PodWatchOptions,
  podId: string,
  known: SshAddress | undefined,
  signal: AbortSignal,
) {
  let tellFirst: (answer: 'same' | 'elsewhere') => void = () => undefined;
  const first = new Promise<'same' | 'elsewhere'>((resolve) => {
    tellFirst = resolve;
  });
  const look = async (): Promise<Exclude<PodLocation, { kind: 'pending' }>> => {
    for (let pauseMs = timings.locateEveryMs; ; ) {
      const location = await locator.locate(podId, signal).catch((error: unknown) => {
        signal.throwIfAborted();
        if (known && isSilent(error)) return undefined;
        throw error;
      });
      const isSame = location?.kind === 'running' && isSameAddress(location.address, known);
      if (location && location.kind !== 'pending' && !isSame) {
        tellFirst('elsewhere');
        return location;
      }
      if (isSame || !location) tellFirst('same');
      await sleep(pauseMs, undefined, { signal });
      pauseMs = Math.min(pauseMs * 1.5, timings.maxLocateMs);
    }
  };
  const elsewhere = look();
  elsewhere.catch(() => tellFirst('elsewhere'));
  return { first, elsewhere };
}

/** Resolves when RunPod says the pod is on its way or runs. */
export async function awaitPod(
  { locator, timings }: PodWatchOptions,
  podId: string,
  signal: AbortSignal,
): Promise<void> {
  while ((await locator.locate(podId, signal)).kind === 'notRunning') {
    await sleep(timings.podPollMs, undefined, { signal });
  }
}

function isSilent(error: unknown): boolean {
  return error instanceof AutopodError && RUNPOD_SILENT.includes(error.code);
}
