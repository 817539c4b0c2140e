import { stripVTControlCharacters } from 'node:util';
import { AutopodError } from '../../errors.ts';
import type { LogLine } from '../../services/runpod/client.ts';
import type { Context } from '../context.ts';
import { choosePod } from '../pod-argument.ts';
import type { Verb } from '../verb.ts';

interface LogsOptions {
  follow?: boolean;
  system?: boolean;
  container?: boolean;
  /** RFC 3339. */
  since?: string;
  tail?: number;
}

/** RunPod's stream never ends: without `--follow` it is read until it falls silent or has reached the present. */
const USUAL_TAIL = 200;
const FIRST_LINE_MS = 6_000;
const SILENCE_MS = 1_200;

/** A pod's log lines as RunPod has them: the container's, the system's, or both. */
export const logs: Verb<LogsOptions> = async (context, named, options) => {
  if (options.system && options.container) {
    throw new AutopodError('usage', {
      message: '--system and --container exclude each other; without either, both are shown.',
    });
  }
  const { podId } = await choosePod(context, named);
  const source = options.system ? 'system' : options.container ? 'container' : undefined;
  const query = {
    ...(source && { source: source as 'system' | 'container' }),
    ...(options.since && { since: options.since }),
    ...(!options.since && { tail: options.tail ?? USUAL_TAIL }),
  };
  const over = new AbortController();
  const signal = AbortSignal.any([context.signal, over.signal]);
  const lines = (await context.runpod()).podLogs(podId, query, signal);
  const past = options.follow ? lines : untilSilent(lines, () => over.abort());
  // RunPod does not count the lines since a time.
  const shown = options.since && options.tail && !options.follow ? await last(past, options.tail) : past;
  for await (const line of shown) show(context, line, source === undefined);
  // Ending `--follow` with Ctrl-C is how it is meant to end.
  return 0;
};

async function last(lines: AsyncIterable<LogLine>, count: number): Promise<LogLine[]> {
  const kept: LogLine[] = [];
  for await (const line of lines) kept.push(line);
  return kept.slice(-count);
}

async function* untilSilent(lines: AsyncIterable<LogLine>, end: () => void): AsyncGenerator<LogLine> {
  const begunAt = Date.now();
  const iterator = lines[Symbol.asyncIterator]();
  for (let patienceMs = FIRST_LINE_MS; ; patienceMs = SILENCE_MS) {
    const next = await withinMs(iterator.next(), patienceMs);
    if (!next || next.done) break;
    yield next.value;
    if (Date.parse(next.value.ts) > begunAt) break;
  }
  end();
}

async function withinMs<T>(work: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

function show({ out }: Context, { ts, source, line }: LogLine, isMixed: boolean): void {
  const text = out.stdout.isTTY ? stripVTControlCharacters(line) : line;
  if (out.isJson) out.jsonLine({ at: ts, source, line });
  else out.line(`${ts.slice(0, 19)}Z ${isMixed ? `${source.padEnd(9)} ` : ''}${text}`);
}
