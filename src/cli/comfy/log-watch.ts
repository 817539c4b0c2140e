import { setTimeout as sleep } from 'node:timers/promises';
import type { AutopodError } from '../../errors.ts';
import { containerLog, withPodLog } from '../../lifecycle/pod-log.ts';
import { timingsFrom } from '../../lifecycle/timings.ts';
import { ComfyLog } from '../../services/comfyui-log.ts';
import { observePod } from '../../services/runpod/pod-state.ts';
import type { Context } from '../context.ts';

/** Milliseconds in which RunPod has sent what the log has so far, and a pause that says so. */
const PAST_MS = 1_500;
const SILENCE_MS = 400;

export interface LogWatch {
  /** Why ComfyUI will not answer in this boot of the pod; undefined as long as it may. */
  verdict(): AutopodError | undefined;
  /** Whether ComfyUI has been up in this boot. */
  hasBeenUp(): boolean;
  /** Resolves when what the log has so far is read. */
  past(): Promise<void>;
  end(): void;
}

/** Reads the container's log of the pod's present boot in the background. */
export async function watchLog(context: Context, podId: string): Promise<LogWatch> {
  const runpod = await context.runpod();
  const { gpuDoubtMs } = timingsFrom(context.env);
  const { bootId } = observePod(await runpod.getPod(podId, context.signal));
  const log = new ComfyLog();
  const over = new AbortController();
  const signal = AbortSignal.any([context.signal, over.signal]);
  const ended = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
  let lastLineAt: number | undefined;
  const witness = { isPlaced: false, startedAt: undefined, runsSince: bootId };
  const heed = (line: string) => {
    log.read(line);
    lastLineAt = performance.now();
  };
  void withPodLog({ runpod, tell: () => undefined }, podId, containerLog(witness), signal, () => ended, heed);
  return {
    verdict: () => log.verdict(podId, gpuDoubtMs),
    hasBeenUp: () => log.hasBeenUp,
    async past() {
      const readBy = performance.now() + PAST_MS;
      const isSilent = () => lastLineAt !== undefined && performance.now() - lastLineAt > SILENCE_MS;
      while (!isSilent() && performance.now() < readBy) await sleep(50, undefined, { signal });
    },
    end: () => over.abort(),
  };
}
