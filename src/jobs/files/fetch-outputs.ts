import { dirname, join } from 'node:path';
import type { JobFacts, JobOutput } from '../../machines/job-types.ts';
import {
  type ComfyWay,
  type Downloaded,
  downloadOutput,
  FileClient,
  isFile,
} from '../../services/comfyui/index.ts';
import { makeFolder, permit } from './folder.ts';
import { safeName } from './safe-name.ts';
import { writeSidecar } from './sidecar.ts';
import { targetPath } from './target-path.ts';

/**
 * Files that are under way at the same time: enough to fill a tunnel with a round trip between two. As many may wait for
 * the disk besides.
 */
const AT_ONCE = 4;
/** Milliseconds between two words on bytes. */
const TELL_MS = 100;

/** The outputs of a job that belong on this machine: previews only where they were asked for. */
export function wantedOutputs({ outputs, withPreviews }: JobFacts): JobOutput[] {
  return (outputs ?? []).filter(({ type }) => withPreviews || type !== 'temp');
}

export interface FetchedSoFar {
  /** Every output of the job; those that are here have their path, size and SHA-256. */
  outputs: JobOutput[];
  bytes: number;
  /** Null while the size of some is unknown. */
  ofBytes: number | null;
}

interface Listeners {
  onFile?: (outputs: JobOutput[]) => Promise<void> | void;
  onBytes?: (soFar: FetchedSoFar) => void;
}

/**
 * Brings everything a job made to its folder, several files at a time, each with its sidecar. What is here whole is
 * left as it is, what is here in part is continued: call it again after any failure. `onFile` is told after each file,
 * so that it can be saved, and awaited; `onBytes` more often. Gives all outputs of the job.
 *
 * Throws what `downloadOutput` throws, and `outputFolderLeadsOut`, after the downloads that were under way have ended.
 */
export async function fetchOutputs(
  way: ComfyWay,
  facts: JobFacts,
  signal: AbortSignal,
  on: Listeners = {},
): Promise<JobOutput[]> {
  const comfyui = new FileClient(way);
  try {
    const download: Download = (output, toPath, ...how) => downloadOutput(comfyui, output, toPath, ...how);
    return await bringOutputs(download, facts, signal, on);
  } finally {
    comfyui.close();
  }
}

/** Brings one output to a path, as `downloadOutput` does, from wherever it is. */
export type Download = (
  output: JobOutput,
  toPath: string,
  signal: AbortSignal,
  onBytes: (bytes: number, ofBytes: number | null) => void,
  how: { partPath: string; onArrived: () => void },
) => Promise<Downloaded>;

/** As `fetchOutputs`, from anywhere. */
export async function bringOutputs(
  download: Download,
  facts: JobFacts,
  signal: AbortSignal,
  on: Listeners = {},
): Promise<JobOutput[]> {
  const fetching = new Fetching(download, facts, on);
  // A failure ends what has not begun; what has gives up by itself or comes whole.
  const waiting = wantedOutputs(facts).map(({ nodeId, n }) => ({ nodeId, n }));
  let failure: { error: unknown } | undefined;
  const unsettled = new Set<Promise<void>>();
  const begin = async (which: Pick<JobOutput, 'nodeId' | 'n'>, onArrived: () => void): Promise<void> => {
    try {
      signal.throwIfAborted();
      await fetching.fetch(which, signal, onArrived);
    } catch (error) {
      failure ??= { error };
    }
  };
  const worker = async () => {
    for (let next = waiting.shift(); next && !failure; next = waiting.shift()) {
      const which = next;
      await new Promise<void>((resolve) => {
        const whole = begin(which, resolve).finally(() => {
          unsettled.delete(whole);
          resolve();
        });
        unsettled.add(whole);
      });
      while (unsettled.size >= 2 * AT_ONCE) await Promise.race(unsettled);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  await Promise.all(unsettled);
  if (failure) throw failure.error;
  return fetching.outputs;
}

class Fetching {
  readonly #download: Download;
  readonly #facts: JobFacts;
  readonly #on: Listeners;
  readonly #sizes = new Map<string, { bytes: number; ofBytes: number | null }>();
  #outputs: JobOutput[];
  #toldAt = Number.NEGATIVE_INFINITY;
  #saving: Promise<void> = Promise.resolve();

  constructor(download: Download, facts: JobFacts, on: Listeners) {
    this.#download = download;
    this.#facts = facts;
    this.#on = on;
    this.#outputs = facts.outputs ?? [];
    for (const output of wantedOutputs(facts)) this.#sizes.set(key(output), { bytes: 0, ofBytes: null });
  }

  get outputs(): JobOutput[] {
    return this.#outputs;
  }

  async fetch(
    which: Pick<JobOutput, 'nodeId' | 'n'>,
    signal: AbortSignal,
    onArrived: () => void,
  ): Promise<void> {
    const output = this.#outputs.find((one) => key(one) === key(which));
    if (!output || (await this.#isHere(output))) return;
    const { out, jobId, endedAt, createdAt, umask } = this.#facts;
    const toPath = targetPath(this.#facts, output, endedAt ?? createdAt);
    await makeFolder(out, toPath, umask);
    const downloaded = await this.#download(
      output,
      toPath,
      signal,
      (bytes, ofBytes) => this.#tell(output, bytes, ofBytes),
      // By the job and not by the name, which two jobs may share.
      {
        partPath: join(dirname(toPath), `${safeName(`${jobId}-${output.nodeId}-${output.n + 1}`)}.part`),
        onArrived,
      },
    );
    const fetched = { ...output, ...downloaded };
    await writeSidecar(this.#facts, fetched);
    await permit([fetched.path, `${fetched.path}.json`], 0o666, umask);
    await this.#save(fetched);
  }

  async #isHere(output: JobOutput): Promise<boolean> {
    const { path, bytes, sha256 } = output;
    if (path === null || bytes === null || sha256 === null) return false;
    if (!(await isFile(path, bytes, sha256))) return false;
    this.#tell(output, bytes, bytes);
    return true;
  }

  /** One after the other, and each with all that are here by then. */
  async #save(fetched: JobOutput): Promise<void> {
    this.#outputs = this.#outputs.map((one) => (key(one) === key(fetched) ? fetched : one));
    this.#saving = this.#saving.then(() => this.#on.onFile?.(this.#outputs));
    await this.#saving;
  }

  #tell(output: JobOutput, bytes: number, ofBytes: number | null): void {
    this.#sizes.set(key(output), { bytes, ofBytes });
    const now = performance.now();
    if (!this.#on.onBytes || (bytes !== ofBytes && now < this.#toldAt + TELL_MS)) return;
    this.#toldAt = now;
    const sizes = [...this.#sizes.values()];
    this.#on.onBytes({
      outputs: this.#outputs,
      bytes: sizes.reduce((sum, size) => sum + size.bytes, 0),
      ofBytes: sizes.every((size) => size.ofBytes !== null)
        ? sizes.reduce((sum, size) => sum + (size.ofBytes ?? 0), 0)
        : null,
    });
  }
}

function key({ nodeId, n }: Pick<JobOutput, 'nodeId' | 'n'>): string {
  return JSON.stringify([nodeId, n]);
}
