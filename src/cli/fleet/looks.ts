import { setTimeout as sleep } from 'node:timers/promises';
import { createParser } from 'eventsource-parser';
import got from 'got';
import { AutopodError } from '../../errors.ts';
import type { Look, Looks } from '../../inspector/watch.ts';
import { USER_AGENT } from '../../services/runpod/user-agent.ts';
import type { Context } from '../context.ts';
import { FAILURE_WORDS } from '../text/failures.ts';
import { failureFrom } from './client.ts';

/** Milliseconds before a stream that broke is asked for again, and without a byte after which it is taken for broken. */
const AGAIN_MS = 2_000;
const SILENCE_MS = 40_000;

/** The looks of the fleet's server as long as somebody listens. That it does not answer is told as a notice. */
export function looksOf({ fleet, signal }: Pick<Context, 'fleet' | 'signal'>): Looks {
  if (!fleet) throw new Error('no fleet is in force');
  const { url, token } = fleet;
  return {
    listen(listener) {
      const left = new AbortController();
      const ends = AbortSignal.any([left.signal, signal]);
      let last: Look = { isWhole: true, entries: [], subjects: [], notices: [], keeper: null };
      const take = (look: Look) => {
        last = look;
        listener(look);
      };
      const again = async () => {
        while (!ends.aborted) {
          const failure = await once(url, token, take, ends).then(
            () => new AutopodError('fleetUnreachable', { url }),
            (error: unknown) => failureFrom(url, error),
          );
          if (ends.aborted) return;
          const notices = [FAILURE_WORDS[failure.code](failure.detail)];
          listener({ ...last, isWhole: false, entries: [], notices });
          // Ended meanwhile, as the loop sees.
          await sleep(AGAIN_MS, undefined, { signal: ends }).catch(() => undefined);
        }
      };
      void again();
      return () => left.abort();
    },
  };
}

/** Resolves when the stream ends. */
async function once(
  url: string,
  token: string,
  take: (look: Look) => void,
  signal: AbortSignal,
): Promise<void> {
  const parser = createParser({ onEvent: ({ data }) => take(JSON.parse(data)) });
  const stream = got.stream(`${url}/v1/looks`, {
    headers: { 'user-agent': USER_AGENT, authorization: `Bearer ${token}`, accept: 'text/event-stream' },
    followRedirect: false,
    retry: { limit: 0 },
    timeout: { connect: 10_000, socket: SILENCE_MS },
    signal,
  });
  stream.on('error', () => undefined);
  stream.setEncoding('utf8');
  for await (const chunk of stream) parser.feed(String(chunk));
}
