import { AutopodError } from '../../errors.ts';
import type { DataCenter, GpuType, NetworkVolume, Pod, RunPod } from '../../services/runpod/client.ts';

/** Milliseconds for which an answer of RunPod's serves everybody: it takes 60 questions a minute, of all members together. */
const FRESH_MS = 2_000;
const ANSWER_MS = 15_000;

/** RunPod as all members look at it: who asks the same while an answer is under way, or just came, has that one. */
export class Seen {
  readonly #runpod: RunPod;
  readonly #answers = new Map<string, { at: number; answer: Promise<unknown> }>();

  constructor(runpod: RunPod) {
    this.#runpod = runpod;
  }

  list(): Promise<Pod[]> {
    return this.shared('pods', (signal) => this.#runpod.listPods(signal));
  }

  /** Undefined where RunPod does not know it. */
  pod(podId: string): Promise<Pod | undefined> {
    return this.shared(`pod ${podId}`, (signal) =>
      this.#runpod.getPod(podId, signal).catch((error: unknown) => {
        if (error instanceof AutopodError && error.code === 'podNotFound') return undefined;
        throw error;
      }),
    );
  }

  /** What can be had, and where. */
  gpus(query: Parameters<RunPod['gpuCatalog']>[0]): Promise<GpuType[]> {
    const name = `gpus ${query.count} ${query.cloud} ${query.minCudaVersion}`;
    return this.shared(name, (signal) => this.#runpod.gpuCatalog(query, signal));
  }

  dataCenters(): Promise<DataCenter[]> {
    return this.shared('data centers', (signal) => this.#runpod.dataCenters(signal));
  }

  volumes(): Promise<NetworkVolume[]> {
    return this.shared('volumes', (signal) => this.#runpod.listNetworkVolumes(signal));
  }

  /** An answer of RunPod’s that serves everybody who asks for it by that name. */
  shared<T>(name: string, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const now = performance.now();
    for (const [known, { at }] of this.#answers) if (now - at > FRESH_MS) this.#answers.delete(known);
    const known = this.#answers.get(name);
    if (known) return known.answer as Promise<T>;
    const answer = ask(AbortSignal.timeout(ANSWER_MS));
    answer.catch(() => this.#answers.delete(name));
    this.#answers.set(name, { at: now, answer });
    return answer;
  }
}
