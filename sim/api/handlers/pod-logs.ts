import type { ServerResponse } from 'node:http';
import type { Scenario } from '../../scenario.ts';
import { type LogLine, nanosOf } from '../../world/log-book.ts';
import type { Pod } from '../../world/pod.ts';
import type { Answer } from '../answer.ts';
import type { ApiRequest } from '../request.ts';

const SSE_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache',
  connection: 'keep-alive',
  'x-accel-buffering': 'no',
};

/** Backfills, then follows until the client leaves, the pod is gone or the control route cuts it. */
export function getPodLogs({ world, params, query, headers }: ApiRequest): Answer {
  const pod = world.pod(params.id ?? '');
  const isWanted = ({ source }: LogLine) => query.source === undefined || query.source === source;
  const lastEventId = headers['last-event-id'];
  const from = {
    after: typeof lastEventId === 'string' ? lastEventId.replace(/\/\d+$/, '') : undefined,
    since: query.since as string | undefined,
    tail: (query.tail as number | undefined) ?? 100,
  };
  return {
    status: 200,
    headers: SSE_HEADERS,
    stream: (response, gone) => {
      const { logIds } = world.scenario;
      for (const line of backfill(pod, isWanted, from)) write(response, line, logIds);
      const unfollow = pod.log.follow((line) => {
        if (isWanted(line)) write(response, line, logIds);
      });
      const endWithPod = () => {
        if (!world.pods.has(pod.id)) response.end();
      };
      world.on('changed', endWithPod);
      gone.addEventListener('abort', () => {
        unfollow();
        world.off('changed', endWithPod);
        response.end();
      });
    },
  };
}

function backfill(
  pod: Pod,
  isWanted: (line: LogLine) => boolean,
  { after, since, tail }: { after: string | undefined; since: string | undefined; tail: number },
): LogLine[] {
  const lines = pod.log.lines.filter(isWanted);
  if (after !== undefined) return lines.filter(({ ts }) => nanosOf(ts) > nanosOf(after));
  if (since !== undefined) return lines.filter(({ ts }) => nanosOf(ts) >= nanosOf(since));
  return tail === 0 ? [] : lines.slice(-tail);
}

function write(response: ServerResponse, { ts, source, line }: LogLine, idStyle: Scenario['logIds']): void {
  const id = idStyle === 'timestamp' ? ts : `${ts}/000000000001`;
  response.write(`id: ${id}\ndata: ${JSON.stringify({ ts, source, line })}\n\n`);
}
