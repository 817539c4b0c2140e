import { setTimeout as sleep } from 'node:timers/promises';
import { HTTPError, RequestError } from 'got';

/** Milliseconds of silence after which another node is asked as well: it may be this one that hangs. */
const PATIENCE_MS = 1_500;

/** A node that is not there was asked nothing; one that went away meanwhile may have been. */
const LOST = [
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
];

/** When a node was last found to be away, by `performance.now()`. */
const lostAt = new Map<string, number>();

type Ask<T> = (url: string, signal: AbortSignal) => Promise<T>;

/**
 * Asks one node, and the next where that is away or says nothing for a while; the first answer counts. The first to be
 * asked is the one that was found away the longest ago, so that each call finds out once, and a node that has come back
 * is asked again when the others go. Throws what the last one failed with.
 */
export async function askAnyNode<T>(urls: string[], given: AbortSignal | undefined, ask: Ask<T>): Promise<T> {
  const over = new AbortController();
  const signal = given ? AbortSignal.any([given, over.signal]) : over.signal;
  const left = urls.toSorted((a, b) => (lostAt.get(a) ?? 0) - (lostAt.get(b) ?? 0));
  const asked = new Map<string, Promise<Outcome<T>>>();
  let failure: unknown = new Error('there is no node');
  try {
    for (;;) {
      const next = left.shift();
      if (next) asked.set(next, outcomeOf(next, ask(next, signal)));
      else if (asked.size === 0) throw failure;
      const outcome = await firstOf(asked, left.length > 0, signal);
      if (!outcome) continue;
      asked.delete(outcome.url);
      if ('answer' in outcome) {
        for (const silent of asked.keys()) lostAt.set(silent, performance.now());
        return outcome.answer;
      }
      failure = outcome.failure;
      if (!isLost(failure)) throw failure;
      lostAt.set(outcome.url, performance.now());
    }
  } finally {
    over.abort();
  }
}

type Outcome<T> = { url: string } & ({ answer: T } | { failure: unknown });

function outcomeOf<T>(url: string, asked: Promise<T>): Promise<Outcome<T>> {
  return asked.then(
    (answer) => ({ url, answer }),
    (failure: unknown) => ({ url, failure }),
  );
}

/** What comes first; undefined where nothing comes for too long, and there is somebody else to ask. */
async function firstOf<T>(
  asked: Map<string, Promise<Outcome<T>>>,
  isAnotherLeft: boolean,
  signal: AbortSignal,
): Promise<Outcome<T> | undefined> {
  if (!isAnotherLeft) return Promise.race(asked.values());
  const waited = new AbortController();
  const silence = sleep(PATIENCE_MS, undefined, { signal: AbortSignal.any([signal, waited.signal]) });
  return Promise.race([...asked.values(), silence.catch(() => undefined)]).finally(() => waited.abort());
}

function isLost(error: unknown): boolean {
  if (error instanceof HTTPError) return [502, 503].includes(error.response.statusCode);
  return error instanceof RequestError && LOST.includes(error.code);
}
