import { setTimeout as sleep } from 'node:timers/promises';
import { createParser } from 'eventsource-parser';
import type { Got } from 'got';
import { AutopodError } from '../../errors.ts';
import { readFailure } from './failures.ts';
import { type LogLine, logLineShape } from './shapes.ts';

export interface LogQuery {
  source?: 'system' | 'container';
  /** Lines of the past to begin with, at most 5000. */
  tail?: number;
  /** RFC 3339 time to begin from. */
  since?: string;
}

const RECONNECT_MS = 2_000;

/** A pod's log as RunPod streams it (Server-Sent Events), taken up again where a broken stream ended. */
export async function* followLog(
  client: Got,
  podId: string,
  query: LogQuery,
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  let lastEventId: string | undefined;
  while (!signal.aborted) {
    try {
      for await (const { id, line } of streamOnce(client, podId, query, lastEventId, signal)) {
        lastEventId = id ?? lastEventId;
        yield line;
      }
    } catch (error) {
      if (signal.aborted) return;
      const failure = readFailure(error);
      if (!['apiUnreachable', 'apiUnavailable', 'apiRateLimited'].includes(failure.code)) {
        throw failure.detail.status === 404 ? new AutopodError('podNotFound', { podId }) : failure;
      }
    }
    await sleep(RECONNECT_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function* streamOnce(
  client: Got,
  podId: string,
  query: LogQuery,
  lastEventId: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<{ id: string | undefined; line: LogLine }> {
  const received: { id: string | undefined; line: LogLine }[] = [];
  const parser = createParser({
    onEvent: ({ id, data }) => {
      const line = parseLine(data);
      if (line) received.push({ id, line });
    },
  });
  const searchParams = Object.fromEntries(
    Object.entries(query).map(([name, value]) => [name, String(value)]),
  );
  const stream = client.stream(`pods/${encodeURIComponent(podId)}/logs`, {
    searchParams,
    headers: { accept: 'text/event-stream', ...(lastEventId && { 'last-event-id': lastEventId }) },
    timeout: { lookup: 10_000, connect: 10_000, secureConnect: 10_000 },
    signal,
  });
  stream.setEncoding('utf8');
  for await (const chunk of stream) {
    parser.feed(String(chunk));
    yield* received.splice(0);
  }
}

function parseLine(data: string): LogLine | undefined {
  try {
    return logLineShape.parse(JSON.parse(data));
  } catch {
    return undefined; // a heartbeat, or a kind of event we do not know
  }
}
