import * as z from 'zod';
import type { JobProgress } from '../../machines/job-types.ts';

export interface Watched {
  promptId: string;
  /** Titles of nodes by id. */
  titles: Record<string, string>;
  /** Nodes of the prompt. */
  nodeCount: number;
}

const nodeState = z.looseObject({ value: z.number(), max: z.number(), state: z.string() });
const messageShape = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('progress_state'),
    data: z.looseObject({ prompt_id: z.string(), nodes: z.record(z.string(), nodeState) }),
  }),
  z.object({
    type: z.literal('progress'),
    data: z.looseObject({
      value: z.number(),
      max: z.number(),
      // Early versions name neither; only one prompt runs at a time, and the queue tells when it is ours.
      prompt_id: z.string().nullish(),
      node: z.string().nullish(),
    }),
  }),
  z.object({
    type: z.literal('executing'),
    data: z.looseObject({ prompt_id: z.string().nullish(), node: z.string().nullish() }),
  }),
  z.object({
    type: z.literal('execution_cached'),
    data: z.looseObject({ prompt_id: z.string(), nodes: z.array(z.string()) }),
  }),
]);

/** What one prompt's messages on ComfyUI's socket come to. Pure: `at` is any clock that only goes forward, in ms. */
export class ProgressReading {
  readonly #watched: Watched;
  readonly #done = new Set<string>();
  #place: number | null = null;
  #isRunning = false;
  #node: string | null = null;
  #steps: { step: number; of: number; at: number; firstStep: number; firstAt: number } | null = null;

  constructor(watched: Watched) {
    this.#watched = watched;
  }

  /** What the queue says: its place, or null once it runs. */
  queued(place: number | null): void {
    this.#place = place;
    this.#isRunning = place === null;
  }

  /** Takes a message in; false when it is not about this prompt. */
  take(message: unknown, at: number): boolean {
    const read = messageShape.safeParse(message).data;
    if (!read || !this.#isOurs(read.data.prompt_id)) return false;
    this.queued(null);
    switch (read.type) {
      case 'progress_state':
        this.#takeStates(read.data.nodes, at);
        break;
      case 'progress':
        this.#enter(read.data.node ?? this.#node);
        this.#step(read.data.value, read.data.max, at);
        break;
      case 'executing':
        this.#enter(read.data.node ?? null);
        break;
      case 'execution_cached':
        for (const node of read.data.nodes) this.#done.add(node);
    }
    return true;
  }

  get progress(): JobProgress {
    const { titles, nodeCount } = this.#watched;
    const steps = this.#steps;
    return {
      place: this.#place,
      nodeId: this.#node,
      title: this.#node === null ? null : (titles[this.#node] ?? null),
      step: steps?.step ?? null,
      steps: steps?.of ?? null,
      nodesDone: Math.min(this.#done.size, nodeCount),
      nodes: nodeCount,
      leftMs: this.#leftMs(),
      bytes: null,
      ofBytes: null,
    };
  }

  #isOurs(promptId: string | null | undefined): boolean {
    return promptId === this.#watched.promptId || (promptId == null && this.#isRunning);
  }

  /** Later versions tell all nodes of the prompt that have begun, each time. */
  #takeStates(nodes: Record<string, z.infer<typeof nodeState>>, at: number): void {
    for (const [id, { state }] of Object.entries(nodes)) {
      if (state === 'finished') this.#done.add(id);
    }
    const running = Object.entries(nodes).find(([, { state }]) => state === 'running');
    if (!running) return;
    const [id, { value, max }] = running;
    this.#enter(id);
    this.#step(value, max, at);
  }

  #enter(node: string | null): void {
    if (node === this.#node) return;
    if (this.#node !== null) this.#done.add(this.#node);
    this.#node = node;
    this.#steps = null;
  }

  /** A node without steps of its own counts as one. */
  #step(step: number, of: number, at: number): void {
    if (of <= 1) return;
    const before = this.#steps;
    // A sampler within the node may begin anew.
    const isFirst = before === null || before.of !== of || step < before.step;
    this.#steps = isFirst
      ? { step, of, at, firstStep: step, firstAt: at }
      : { ...before, step, at: step > before.step ? at : before.at };
  }

  /** By the steps seen so far: what is left of this node. */
  #leftMs(): number | null {
    const steps = this.#steps;
    if (!steps || steps.step <= steps.firstStep) return null;
    const msPerStep = (steps.at - steps.firstAt) / (steps.step - steps.firstStep);
    return Math.round(msPerStep * (steps.of - steps.step));
  }
}
