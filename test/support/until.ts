import { setTimeout as sleep } from 'node:timers/promises';

/** Asks again and again until the answer is truthy; throws what was last seen after `withinMs`. */
export async function until<T>(
  what: string,
  ask: () => Promise<T> | T,
  withinMs = 120_000,
): Promise<NonNullable<T>> {
  const givenUpAt = Date.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer) return answer as NonNullable<T>;
    if (Date.now() > givenUpAt) throw new Error(`not in ${withinMs} ms: ${what}`);
    await sleep(30);
  }
}
