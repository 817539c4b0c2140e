import { appendFile, readFile } from 'node:fs/promises';
import * as z from 'zod';
import { GrownFile } from './grown-file.ts';
import type { Home } from './home.ts';

const shape = z.object({
  podId: z.string(),
  /** Changes with each start of the pod. */
  bootId: z.string(),
  /** Epoch milliseconds. */
  from: z.number(),
  to: z.number(),
  /** USD. */
  costPerHour: z.number(),
  gpu: z.string().nullable(),
  volumeId: z.string().nullable(),
});

/** A run of a pod that autopod ended: RunPod may not have booked it yet, and the pod's record may be gone. */
export type EndedRun = z.infer<typeof shape>;

/** What of a pod is kept of its run. */
interface RunningPod {
  podId: string;
  bootId: string;
  condition: string;
  uptimeSeconds: number;
  costPerHour: number;
  gpuName: string | undefined;
  volume: { volumeId: string } | undefined;
}

/** Notes a run that is ended now; asked twice for one run, the later end counts. */
export async function noteEndedRun({ runs }: Home, seen: RunningPod): Promise<void> {
  if (seen.condition !== 'running') return;
  const to = Date.now();
  const run: EndedRun = {
    podId: seen.podId,
    bootId: seen.bootId,
    from: to - seen.uptimeSeconds * 1000,
    to,
    costPerHour: seen.costPerHour,
    gpu: seen.gpuName ?? null,
    volumeId: seen.volume?.volumeId ?? null,
  };
  // It begins with a line feed, so that a line cut off by a crash does not swallow this one.
  await appendFile(runs, `\n${JSON.stringify(run)}`, { mode: 0o600 });
}

/** Milliseconds for which an ended run may count for a day's limit, whatever the time zone. */
const LATELY_MS = 3 * 86_400_000;

/** The same runs for who looks at them again and again: those of the last days, of which each look reads the new ones. */
export class EndedRuns {
  readonly #file: GrownFile;
  #known = new Map<string, EndedRun>();

  constructor({ runs }: Pick<Home, 'runs'>) {
    this.#file = new GrownFile(runs);
  }

  async lately(): Promise<EndedRun[]> {
    const { isAnew, lines } = await this.#file.look();
    if (isAnew) this.#known = new Map();
    for (const run of lines.flatMap(parsed)) this.#known.set(nameOf(run), run);
    const since = Date.now() - LATELY_MS;
    for (const [name, { to }] of this.#known) if (to < since) this.#known.delete(name);
    return [...this.#known.values()];
  }
}

export async function endedRuns({ runs }: Home): Promise<EndedRun[]> {
  const text = await readFile(runs, 'utf8').catch(() => '');
  const whole = text.split('\n').flatMap(parsed);
  return [...new Map(whole.map((run) => [nameOf(run), run])).values()];
}

function nameOf({ podId, bootId }: EndedRun): string {
  return `${podId} ${bootId}`;
}

function parsed(line: string): EndedRun[] {
  try {
    return [shape.parse(JSON.parse(line))];
  } catch {
    return [];
  }
}
