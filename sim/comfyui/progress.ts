import type { Job } from './job.ts';
import type { Sockets } from './sockets.ts';

interface NodeProgress {
  value: number;
  max: number;
  state: 'running' | 'finished';
  node_id: string;
  prompt_id: string;
  display_node_id: string;
  parent_node_id: null;
  real_node_id: string;
}

/** How far the nodes of a job are, as its client is told: `progress_state`, `progress` and pictures. */
export class Progress {
  readonly #job: Job;
  readonly #sockets: Sockets;
  readonly #nodes: Record<string, NodeProgress> = {};

  constructor(job: Job, sockets: Sockets) {
    this.#job = job;
    this.#sockets = sockets;
  }

  start(id: string): void {
    this.#nodes[id] = blank(id, this.#job.id);
    this.#say();
  }

  step(id: string, value: number, max: number, preview?: Buffer): void {
    const node = this.#nodes[id];
    if (!node) return;
    node.value = value;
    node.max = max;
    this.#say();
    if (preview) this.#sockets.preview(this.#job, 'withDetails', preview, detailsOf(node));
    this.#sockets.progress(this.#job, 'progress', { value, max, prompt_id: this.#job.id, node: id });
    if (preview) this.#sockets.preview(this.#job, 'plain', preview, {});
  }

  finish(id: string): void {
    const node = this.#nodes[id] ?? blank(id, this.#job.id);
    this.#nodes[id] = node;
    node.value = node.max;
    node.state = 'finished';
    this.#say();
  }

  #say(): void {
    if (!this.#sockets.isHeard(this.#job)) return;
    this.#sockets.progress(this.#job, 'progress_state', { prompt_id: this.#job.id, nodes: this.#nodes });
  }
}

function blank(id: string, promptId: string): NodeProgress {
  return {
    value: 0,
    max: 1,
    state: 'running',
    node_id: id,
    prompt_id: promptId,
    display_node_id: id,
    parent_node_id: null,
    real_node_id: id,
  };
}

function detailsOf({ node_id, prompt_id, display_node_id, parent_node_id, real_node_id }: NodeProgress) {
  return { node_id, prompt_id, display_node_id, parent_node_id, real_node_id, image_type: 'image/jpeg' };
}
