import { setTimeout as sleep } from 'node:timers/promises';
import type { Found, JobFacts } from '../machines/job-types.ts';
import { findPrompt, watchProgress } from '../services/comfyui/index.ts';
import type { WorkEnvironment } from './environment.ts';
import { foundBy } from './look.ts';
import { NO_PROGRESS } from './no-progress.ts';
import { nodeCount } from './prompt-text.ts';

/** Milliseconds after which ComfyUI is asked when its socket has told something; it tells before its history has it. */
const AFTER_WORD_MS = 30;

/** Follows one prompt: what ComfyUI's socket tells is progress and a reason to ask; what it is asked is the truth. */
export class Following {
  readonly #env: WorkEnvironment;
  readonly #watching = new AbortController();
  #isWatched = false;
  #place: number | null | undefined;
  #nudge: () => void = () => undefined;

  constructor(env: WorkEnvironment) {
    this.#env = env;
  }

  /** Asks until the prompt is no longer in one of the places that are waited through. */
  async until(facts: JobFacts, waits: readonly Found['kind'][], signal: AbortSignal): Promise<Found> {
    const { pods, timings, onProgress } = this.#env;
    const last = facts.submissions.at(-1);
    if (!last || facts.podId === null) return { kind: 'nowhere' };
    void this.#watch(facts, last.promptId);
    for (;;) {
      const standing = await findPrompt(pods.way(facts.podId), last.promptId, signal);
      const found = foundBy(standing, last);
      if (standing.kind === 'pending') onProgress(facts.jobId, { ...NO_PROGRESS, place: standing.place });
      if (!waits.includes(found.kind)) return found;
      const waited = new AbortController();
      await Promise.race([
        sleep(timings.jobPollMs, undefined, { signal: AbortSignal.any([signal, waited.signal]) }),
        new Promise<void>((resolve) => {
          this.#nudge = resolve;
        }),
      ]).finally(() => waited.abort());
      signal.throwIfAborted();
      await sleep(AFTER_WORD_MS, undefined, { signal });
    }
  }

  end(): void {
    this.#watching.abort();
  }

  async #watch(facts: JobFacts, promptId: string): Promise<void> {
    if (this.#isWatched || facts.podId === null) return;
    this.#isWatched = true;
    const { store, pods, onProgress } = this.#env;
    const { signal } = this.#watching;
    try {
      const nodes = nodeCount(await store.content(facts.prompt));
      const watched = { promptId, titles: facts.titles, nodeCount: nodes };
      await watchProgress(
        pods.way(facts.podId),
        watched,
        (progress) => {
          if (signal.aborted) return;
          onProgress(facts.jobId, progress);
          if (progress.place !== this.#place) this.#nudge();
          this.#place = progress.place;
        },
        signal,
      );
    } catch {
      // Questions go on without it.
    }
    this.#nudge();
  }
}
