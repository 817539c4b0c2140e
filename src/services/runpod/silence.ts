import type { RunPod } from './client.ts';

/** Milliseconds after which an answer is late. */
const LATE_MS = 3_000;

type Ask = (...args: unknown[]) => Promise<unknown>;

/** RunPod as it is; one that lets somebody wait for an answer is told, once until it answers again. */
export function tellingSilence(runpod: RunPod, tell: () => void): RunPod {
  let isTold = false;
  const telling =
    (ask: Ask): Ask =>
    async (...args) => {
      const late = setTimeout(() => {
        if (!isTold) tell();
        isTold = true;
      }, LATE_MS);
      try {
        const answer = await ask(...args);
        isTold = false;
        return answer;
      } finally {
        clearTimeout(late);
      }
    };
  const { podLogs, ...asked } = runpod;
  const told = Object.entries(asked).map(([name, ask]) => [name, telling(ask as Ask)]);
  return { ...(Object.fromEntries(told) as typeof asked), podLogs };
}
