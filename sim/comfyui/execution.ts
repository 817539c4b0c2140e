import { setImmediate, setTimeout } from 'node:timers/promises';
import { DiskFullError, type Storage } from './files/storage.ts';
import { PREVIEW_JPEG } from './files/view.ts';
import { isLink, orderOf, signatures } from './graph.ts';
import { GONE, type Job, type Message, type Outcome, type Prompt, type PromptNode } from './job.ts';
import type { NodeClasses } from './nodes/classes.ts';
import { type Made, NodeError, type Task } from './nodes/task.ts';
import { isSampler, pace, work } from './nodes/work.ts';
import { Progress } from './progress.ts';
import { repr } from './python.ts';
import type { ComfyScript, Failure } from './script.ts';
import type { Sockets } from './sockets.ts';

/** What a job runs in. */
export interface Surroundings {
  script: ComfyScript;
  classes: NodeClasses;
  storage: Storage;
  sockets: Sockets;
  /** What nodes made, by signature. */
  cache: Map<string, Made>;
  temporarySuffix: string;
  /** How this job fails, whatever its nodes do. */
  failure: Failure | undefined;
}

const CACHED_NODES = 1000;
const OUT_OF_MEMORY_TIPS =
  '\nThis error means you ran out of memory on your GPU.\n\nTIPS: If the workflow worked before you might have accidentally set the batch_size to a large number.';

/** One run of a prompt. */
export class Execution {
  readonly #job: Job;
  readonly #around: Surroundings;
  readonly #signal: AbortSignal;
  readonly #progress: Progress;
  readonly #messages: Message[] = [];
  readonly #executed: string[] = [];
  readonly #shown: Record<string, unknown> = {};
  readonly #meta: Record<string, unknown> = {};
  /** Outputs of this run, by node. */
  readonly #made = new Map<string, Made>();

  /** The signal ends it: as an interrupt does, or, with the reason `gone`, without a word. */
  constructor(job: Job, around: Surroundings, signal: AbortSignal) {
    this.#job = job;
    this.#around = around;
    this.#signal = signal;
    this.#progress = new Progress(job, around.sockets);
  }

  async run(): Promise<Outcome> {
    const { prompt, outputs } = this.#job;
    const { cache, sockets } = this.#around;
    sockets.beginJob(this.#job.clientId);
    this.#tell('execution_start');
    const signed = signatures(prompt, (node) => this.#fileTime(node));
    const isCached = (id: string) => cache.has(signed.get(id) ?? '');
    this.#tell('execution_cached', { nodes: Object.keys(prompt).filter(isCached) });
    const order = orderOf(prompt, outputs, isCached);
    for (const [id, made] of cachedOf(prompt, signed, cache)) this.#made.set(id, made);
    const toRun = order.filter((id) => !this.#made.has(id));
    const failing = this.#around.failure && heaviest(prompt, toRun);
    for (const id of order) {
      const cached = this.#made.get(id);
      if (cached) {
        this.#show(id, cached, true);
        continue;
      }
      try {
        const failure = id === failing ? this.#around.failure : undefined;
        await this.#node(id, signed.get(id) ?? '', toRun.length, failure);
      } catch (error) {
        if (this.#signal.aborted) return this.#interrupted(id);
        return this.#failed(id, error);
      }
    }
    this.#tell('execution_success');
    return this.#outcome('success');
  }

  async #node(id: string, signature: string, count: number, failure: Failure | undefined): Promise<void> {
    const task = this.#task(id, signature);
    this.#progress.start(id);
    this.#around.sockets.executing(this.#job, id);
    await this.#spend(id, task, count);
    if (failure) throw new NodeError(failure);
    const made = work(task);
    this.#remember(signature, made);
    this.#made.set(id, made);
    this.#executed.push(id);
    this.#show(id, made, false);
  }

  #task(id: string, signature: string): Task {
    const { classes, storage, temporarySuffix } = this.#around;
    const { prompt, extraData } = this.#job;
    const node = prompt[id] ?? { class_type: '', inputs: {} };
    const definition = classes.get(node.class_type);
    if (!definition) throw new NodeError({ type: 'KeyError', message: repr(node.class_type) });
    const info = (extraData.extra_pnginfo ?? {}) as Record<string, unknown>;
    return {
      className: node.class_type,
      definition,
      inputs: this.#inputsOf(node),
      signature,
      storage,
      saver: { prompt, info, temporarySuffix },
    };
  }

  #inputsOf({ inputs }: PromptNode): Record<string, unknown> {
    return Object.fromEntries(
      Object.entries(inputs ?? {}).map(([name, value]) => [
        name,
        isLink(value) ? this.#made.get(String(value[0]))?.outputs[value[1]] : value,
      ]),
    );
  }

  /** Lets the time of a node pass, step by step. */
  async #spend(id: string, task: Task, count: number): Promise<void> {
    const { jobMs, nodeMs, stepMs, previews } = this.#around.script;
    const { ms, steps } = pace(task);
    const isLong = isSampler(task.className);
    const whole = ms + nodeMs + jobMs / count + (isLong ? stepMs * steps : 0);
    if (this.#job.isEndless) await setTimeout(2 ** 31 - 1, undefined, { signal: this.#signal, ref: false });
    for (let step = 1; step <= Math.max(1, steps); step++) {
      if (whole > 0) await pause(whole / Math.max(1, steps), this.#signal);
      this.#signal.throwIfAborted();
      if (steps > 0) this.#progress.step(id, step, steps, previews && isLong ? PREVIEW_JPEG : undefined);
    }
  }

  #remember(signature: string, made: Made): void {
    const { cache } = this.#around;
    cache.set(signature, made);
    if (cache.size <= CACHED_NODES) return;
    const [oldest] = cache.keys();
    if (oldest !== undefined) cache.delete(oldest);
  }

  #show(id: string, { ui }: Made, isCached: boolean): void {
    if (ui) {
      this.#shown[id] = ui;
      this.#meta[id] = { node_id: id, display_node: id, parent_node: null, real_node_id: id };
    }
    if (ui || isCached) this.#around.sockets.executed(this.#job, id, ui ?? null);
    this.#progress.finish(id);
  }

  #interrupted(id: string): Outcome {
    if (this.#signal.reason !== GONE) {
      const node_type = this.#job.prompt[id]?.class_type;
      this.#tell('execution_interrupted', { node_id: id, node_type, executed: [...this.#executed] });
    }
    return this.#outcome('error');
  }

  #failed(id: string, error: unknown): Outcome {
    const { type, message } = failureOf(error);
    const node = this.#job.prompt[id];
    const tips = type === 'torch.OutOfMemoryError' ? OUT_OF_MEMORY_TIPS : '\n';
    const inputs = Object.entries(node?.inputs ?? {});
    this.#tell('execution_error', {
      node_id: id,
      node_type: node?.class_type,
      executed: [...this.#executed],
      exception_message: message + tips,
      exception_type: type,
      traceback: [
        '  File "/workspace/runpod-slim/ComfyUI/execution.py", line 545, in execute\n',
        `  File "/workspace/runpod-slim/ComfyUI/nodes.py", line 1, in ${node?.class_type}\n`,
      ],
      current_inputs: Object.fromEntries(inputs.map(([name, value]) => [name, [repr(value)]])),
      current_outputs: [...this.#made.keys()],
    });
    return this.#outcome('error');
  }

  #outcome(status: 'success' | 'error'): Outcome {
    return {
      outputs: this.#shown,
      status: { status_str: status, completed: status === 'success', messages: this.#messages },
      meta: this.#meta,
    };
  }

  /** Says it to the client, and keeps it for the history. */
  #tell(type: string, data: Record<string, unknown> = {}): void {
    const full = { prompt_id: this.#job.id, ...data, timestamp: Date.now() };
    this.#messages.push([type, full]);
    this.#around.sockets.tell(this.#job, type, full);
  }

  /** A file that was written again makes another picture. */
  #fileTime({ class_type, inputs }: PromptNode): string {
    if (!/^Load(Image|Audio|Video)/.test(class_type)) return '';
    const path = Object.values(inputs ?? {}).find((value) => typeof value === 'string') ?? '';
    const at = path.lastIndexOf('/');
    const name = {
      filename: path.slice(at + 1),
      subfolder: path.slice(0, Math.max(0, at)),
      type: 'input' as const,
    };
    return String(this.#around.storage.get(name)?.modifiedAt ?? '');
  }
}

function cachedOf(prompt: Prompt, signed: Map<string, string>, cache: Map<string, Made>): [string, Made][] {
  return Object.keys(prompt).flatMap((id) => {
    const made = cache.get(signed.get(id) ?? '');
    return made ? [[id, made]] : [];
  });
}

/** Where a job that is to fail does so: at its sampler, or at the last node but the one that saves. */
function heaviest(prompt: Prompt, toRun: readonly string[]): string | undefined {
  return toRun.find((id) => isSampler(prompt[id]?.class_type ?? '')) ?? toRun.at(-2) ?? toRun.at(-1);
}

function failureOf(error: unknown): Failure {
  if (error instanceof NodeError) return error;
  if (error instanceof DiskFullError) return { type: 'OSError', message: error.message };
  return { type: 'Exception', message: String(error) };
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms < 1) await setImmediate(undefined, { signal });
  else await setTimeout(ms, undefined, { signal, ref: false });
}
