import { setImmediate, setTimeout } from 'node:timers/promises';

/** Waits without keeping the process alive; even 0 ms lets other work go first. @throws AbortError */
export async function wait(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await (ms > 0 ? setTimeout(ms, undefined, { signal, ref: false }) : setImmediate(undefined, { signal }));
}

/** Calls `say` with each text in turn, spread evenly over the time. @throws AbortError */
export async function saySlowly(
  texts: readonly string[],
  overMs: number,
  signal: AbortSignal,
  say: (text: string) => void,
): Promise<void> {
  for (const text of texts) {
    say(text);
    if (overMs > 0) await wait(overMs / texts.length, signal);
  }
  if (overMs === 0) await wait(0, signal);
}
