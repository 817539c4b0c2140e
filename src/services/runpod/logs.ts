import { setTimeout as sleep } from 'node:timers/promises';
import { createParser } from 'eventsource-parser';
import type { Got, Response } from 'got';
import { AutopodError } from '../../errors.ts';
import { answeredElsewhere } from './elsewhere.ts';
import { readFailure } from './failures.ts';
import { type LogLine, logLineShape } from './shapes.ts';

export interface LogQuery {
  source?: 'system' | 'container';
  /** Lines of the past to begin with, at most 5000. */
  tail?: number;
  /** RFC 3339 time to begin from; RunPod then ignores `tail`. */
  since?: string;
}

export interface FollowedLine extends LogLine {
  /** It came after the stream was first opened, by RunPod's clock. */
  isLive: boolean;
}

export interface LogFollowing {
  signal: AbortSignal;
  /** Told of each try that failed; the log is then asked for again. */
  onLost?: ((failure: AutopodError) => void) | undefined;
  /** Milliseconds without a byte after which the stream may be dead and is opened again. */
  silenceMs?: number | undefined;
}

const MOST_PAST_LINES = 5_000;
const RECONNECT_MS = 2_000;
const SILENCE_MS = 120_000;
/** The longest a timer can be. */
const LONGEST_MS = 2 ** 31 - 1;
const CONNECT_TIMEOUTS = { lookup: 10_000, connect: 10_000, secureConnect: 10_000 };

/** A pod's log as RunPod streams it (Server-Sent Events), taken up again where a broken stream ended. */
export async function* followLog(
  client: Got,
  podId: string,
  query: LogQuery,
  { signal, onLost, silenceMs = SILENCE_MS }: LogFollowing,
): AsyncGenerator<FollowedLine> {
  const place = new Place(query);
  while (!signal.aborted) {
    try {
      for await (const line of streamOnce(client, podId, place, silenceMs, signal)) yield line;
    } catch (error) {
      if (signal.aborted) return;
      const failure = readFailure(error);
      if (!['apiUnreachable', 'apiUnavailable', 'apiRateLimited'].includes(failure.code)) {
        const isUnknown = failure.code === 'apiRequestRefused' && failure.detail.status === 404;
        throw isUnknown ? new AutopodError('podNotFound', { podId }) : failure;
      }
      onLost?.(failure);
    }
    await sleep(RECONNECT_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function* streamOnce(
  client: Got,
  podId: string,
  place: Place,
  silenceMs: number,
  signal: AbortSignal,
): AsyncGenerator<FollowedLine> {
  const received: FollowedLine[] = [];
  const parser = createParser({
    onEvent: ({ id, data }) => {
      const line = parseLine(data);
      if (line && place.take(id, line)) received.push({ ...line, isLive: place.isAfterOpening(line) });
    },
  });
  const stream = client.stream(`pods/${encodeURIComponent(podId)}/logs`, {
    searchParams: place.query(),
    headers: { accept: 'text/event-stream', ...place.headers() },
    timeout: { ...CONNECT_TIMEOUTS, socket: silenceMs, request: LONGEST_MS },
    signal,
  });
  // got also fails a stream that had ended when the signal comes.
  stream.on('error', () => undefined);
  let elsewhere: AutopodError | undefined;
  stream.on('response', (response: Response<unknown>) => {
    elsewhere = answeredElsewhere(response);
    place.opened(response.headers.date);
  });
  stream.setEncoding('utf8');
  for await (const chunk of stream) {
    if (elsewhere) break;
    parser.feed(String(chunk));
    yield* received.splice(0);
  }
  if (elsewhere) throw elsewhere;
}

/** Where in a log one is, across broken streams. */
class Place {
  readonly #asked: LogQuery;
  #openedAt: number | undefined;
  #isResumed = false;
  #lastEventId: string | undefined;
  readonly #taken = new Set<string>();

  constructor(asked: LogQuery) {
    this.#asked = asked;
  }

  /** `date` is the answer's own, to the second. */
  opened(date: string | undefined): void {
    this.#isResumed = this.#openedAt !== undefined;
    const told = Date.parse(date ?? '');
    this.#openedAt ??= Number.isNaN(told) ? Date.now() : told;
  }

  query(): Record<string, string> {
    const { source, ...asked } = this.#asked;
    // Who wants nothing of the past would otherwise miss what comes between two streams.
    const from =
      asked.tail === 0 && this.#openedAt !== undefined
        ? { since: new Date(this.#openedAt).toISOString() }
        : asked;
    const given = Object.entries({ source, ...from }).filter(([, value]) => value !== undefined);
    return Object.fromEntries(given.map(([name, value]) => [name, String(value)]));
  }

  headers(): Record<string, string> {
    return this.#lastEventId === undefined ? {} : { 'last-event-id': this.#lastEventId };
  }

  /** False for a line already taken: RunPod does not say whether a stream resumes at the last line or after it. */
  take(id: string | undefined, { source, ts, line }: LogLine): boolean {
    this.#lastEventId = id ?? this.#lastEventId;
    const key = `${source} ${ts} ${line}`;
    if (this.#isResumed && this.#taken.has(key)) return false;
    this.#taken.add(key);
    const [first] = this.#taken;
    if (this.#taken.size > MOST_PAST_LINES && first !== undefined) this.#taken.delete(first);
    return true;
  }

  isAfterOpening({ ts }: LogLine): boolean {
    return Date.parse(ts) >= (this.#openedAt ?? 0) + 1_000;
  }
}

function parseLine(data: string): LogLine | undefined {
  try {
    return logLineShape.parse(JSON.parse(data));
  } catch {
    return undefined; // a heartbeat, or a kind of event we do not know
  }
}
