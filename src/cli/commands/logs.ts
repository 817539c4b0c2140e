import { AutopodError } from '../../errors.ts';
import type { LogLine } from '../../services/runpod/client.ts';
import type { FollowedLine } from '../../services/runpod/logs.ts';
import { choosePod } from '../choosing/pod-argument.ts';
import type { Context } from '../context.ts';
import { printable } from '../output/printable.ts';
import { FAILURE_WORDS } from '../text/failures.ts';
import { text } from '../text.ts';
import type { Verb } from '../verb.ts';

export interface LogsOptions {
  follow?: boolean;
  system?: boolean;
  container?: boolean;
  /** RFC 3339. */
  since?: string;
  tail?: number;
}

/** RunPod's stream never ends: its past is over when it falls silent or has reached the present. */
const USUAL_TAIL = 200;
const FIRST_LINE_MS = 6_000;
const SILENCE_MS = 1_200;

/** A pod's log lines as RunPod has them: the container's, the system's, or both. */
export const logs: Verb<LogsOptions> = (context, named, options) =>
  showLog(context, async () => (await choosePod(context, named)).podId, options);

/** The log of the pod that is chosen then. The answer is the exit code. */
export async function showLog(
  context: Context,
  choose: () => Promise<string>,
  options: LogsOptions,
): Promise<number> {
  if (options.system && options.container) {
    throw new AutopodError('usage', {
      message: '--system and --container exclude each other; without either, both are shown.',
    });
  }
  const podId = await choose();
  const source = options.system ? 'system' : options.container ? 'container' : undefined;
  const { since, tail, follow } = options;
  const query = {
    ...(source && { source: source as 'system' | 'container' }),
    ...(since ? { since } : { tail: tail ?? USUAL_TAIL }),
  };
  if (tail === 0 && !follow) return 0;
  const over = new AbortController();
  const signal = AbortSignal.any([context.signal, over.signal]);
  let lost: AutopodError | undefined;
  const onLost = (failure: AutopodError) => {
    if (follow && !lost)
      context.out.say(
        text.waitingForApi(FAILURE_WORDS[failure.code](failure.detail).what, context.deadline.leftMs / 1000),
      );
    lost = failure;
    if (!follow) over.abort();
  };
  const log = new LogReader((await context.runpod()).podLogs(podId, query, { signal, onLost }));
  const tell = (line: LogLine) => {
    lost = undefined;
    show(context, line, source === undefined);
  };
  // RunPod does not count the lines since a time.
  const past = since !== undefined && tail !== undefined ? await last(log.past(), tail) : log.past();
  for await (const line of past) tell(line);
  // Ending `--follow` with Ctrl-C is how it is meant to end.
  if (follow) for await (const line of log.rest()) tell(line);
  over.abort();
  if (lost && (!follow || context.deadline.isOver)) throw lost;
  if (!follow) context.deadline.throwIfOver();
  return 0;
}

/** A log in two parts: what there was, and what comes. */
class LogReader {
  readonly #lines: AsyncIterator<FollowedLine>;
  #next: Promise<IteratorResult<FollowedLine>> | undefined;

  constructor(lines: AsyncIterable<FollowedLine>) {
    this.#lines = lines[Symbol.asyncIterator]();
  }

  async *past(): AsyncGenerator<LogLine> {
    for (let patienceMs = FIRST_LINE_MS; ; patienceMs = SILENCE_MS) {
      const next = await withinMs(this.#peek(), patienceMs);
      if (!next || next.done || next.value.isLive) return;
      this.#next = undefined;
      yield next.value;
    }
  }

  async *rest(): AsyncGenerator<LogLine> {
    for (let next = await this.#peek(); !next.done; next = await this.#peek()) {
      this.#next = undefined;
      yield next.value;
    }
  }

  #peek(): Promise<IteratorResult<FollowedLine>> {
    this.#next ??= this.#lines.next();
    return this.#next;
  }
}

async function last(lines: AsyncIterable<LogLine>, count: number): Promise<LogLine[]> {
  const kept: LogLine[] = [];
  for await (const line of lines) kept.push(line);
  return count === 0 ? [] : kept.slice(-count);
}

async function withinMs<T>(work: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

function show({ out }: Context, { ts, source, line }: LogLine, isMixed: boolean): void {
  if (out.isJson) out.jsonLine({ at: ts, source, line });
  else out.line(`${ts.slice(0, 19)}Z ${isMixed ? `${source.padEnd(9)} ` : ''}${printable(line)}`);
}
