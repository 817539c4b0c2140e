import { randomUUID } from 'node:crypto';

/** One node of a prompt in API format. */
interface PromptNode {
  class_type: string;
  inputs: Record<string, unknown>;
}

export type Prompt = Record<string, PromptNode>;

export interface Job {
  number: number;
  id: string;
  prompt: Prompt;
  extraData: Record<string, unknown>;
  /** Ids of the nodes whose output is wanted. */
  outputs: string[];
  clientId: string | undefined;
  /** A scripted job never ends by itself. */
  isEndless: boolean;
}

/** What the socket of a client is told. */
type Say = (type: string, data: Record<string, unknown>, clientId?: string) => void;

type Message = [type: string, data: Record<string, unknown>];

/** ComfyUI's queue and history, in memory only. Jobs run one at a time, each for the same scripted time. */
export class JobQueue {
  readonly history = new Map<string, Record<string, unknown>>();
  #running: Job | null = null;
  #pending: Job[] = [];
  #messages: Message[] = [];
  #timer: NodeJS.Timeout | undefined;
  #number = 0;
  readonly #jobMs: () => number;
  readonly #say: Say;

  constructor(jobMs: () => number, say: Say) {
    this.#jobMs = jobMs;
    this.#say = say;
  }

  get running(): readonly Job[] {
    return this.#running ? [this.#running] : [];
  }

  get pending(): readonly Job[] {
    return this.#pending;
  }

  get remaining(): number {
    return this.running.length + this.#pending.length;
  }

  submit(prompt: Prompt, { id, clientId, extraData = {}, isEndless = false }: SubmitOptions = {}): Job {
    const job: Job = {
      number: this.#number++,
      id: id ?? randomUUID(),
      prompt,
      extraData: { ...extraData, ...(clientId && { client_id: clientId }), create_time: Date.now() },
      outputs: outputNodes(prompt),
      clientId,
      isEndless,
    };
    this.#pending.push(job);
    this.#sayStatus();
    this.#next();
    return job;
  }

  /** Ends the running job as an interrupt does: an error in history, told apart by one message. */
  interrupt(id?: string): void {
    const job = this.#running;
    if (!job || (id !== undefined && id !== job.id)) return;
    const [nodeId = '', node] = Object.entries(job.prompt)[0] ?? [];
    this.#tell(job, 'execution_interrupted', { node_id: nodeId, node_type: node?.class_type, executed: [] });
    this.#finish(job, 'error', {});
  }

  delete(ids: readonly string[]): void {
    this.#pending = this.#pending.filter((job) => !ids.includes(job.id));
    this.#sayStatus();
  }

  clearPending(): void {
    this.#pending = [];
    this.#sayStatus();
  }

  /** Forgets everything, as a restart does. */
  reset(): void {
    clearTimeout(this.#timer);
    this.#running = null;
    this.#pending = [];
    this.history.clear();
  }

  #next(): void {
    const job = this.#running ? undefined : this.#pending.shift();
    if (!job) return;
    this.#running = job;
    this.#messages = [];
    this.#tell(job, 'execution_start');
    this.#tell(job, 'execution_cached', { nodes: [] });
    const [first] = Object.keys(job.prompt);
    if (first) this.#sayTo(job, 'executing', { node: first, display_node: first });
    if (job.isEndless) return;
    this.#timer = setTimeout(() => this.#succeed(job), this.#jobMs());
    this.#timer.unref();
  }

  #succeed(job: Job): void {
    const outputs: Record<string, unknown> = {};
    for (const node of job.outputs) {
      const output = { images: [{ filename: `${job.id}_00001_.png`, subfolder: '', type: 'output' }] };
      outputs[node] = output;
      this.#sayTo(job, 'executing', { node, display_node: node });
      this.#sayTo(job, 'executed', { node, display_node: node, output });
    }
    this.#tell(job, 'execution_success');
    this.#finish(job, 'success', outputs);
  }

  #finish(job: Job, status: 'success' | 'error', outputs: Record<string, unknown>): void {
    clearTimeout(this.#timer);
    this.history.set(job.id, {
      prompt: queueItem(job),
      outputs,
      status: { status_str: status, completed: status === 'success', messages: this.#messages },
      meta: {},
    });
    this.#running = null;
    this.#sayStatus();
    this.#sayTo(job, 'executing', { node: null });
    this.#next();
  }

  /** Says it to the client and keeps it for the history. */
  #tell(job: Job, type: string, data: Record<string, unknown> = {}): void {
    const full = { ...data, prompt_id: job.id, timestamp: Date.now() };
    this.#messages.push([type, full]);
    this.#say(type, full, job.clientId);
  }

  #sayTo(job: Job, type: string, data: Record<string, unknown>): void {
    this.#say(type, { ...data, prompt_id: job.id }, job.clientId);
  }

  #sayStatus(): void {
    this.#say('status', { status: { exec_info: { queue_remaining: this.remaining } } });
  }
}

interface SubmitOptions {
  id?: string | undefined;
  clientId?: string | undefined;
  extraData?: Record<string, unknown> | undefined;
  isEndless?: boolean;
}

/** A job as `/queue` and `/history` list it. */
export function queueItem({ number, id, prompt, extraData, outputs }: Job): unknown[] {
  return [number, id, prompt, extraData, outputs];
}

/** The nodes that save or show something. */
export function outputNodes(prompt: Prompt): string[] {
  return Object.entries(prompt).flatMap(([id, { class_type }]) =>
    /^(Save|Preview)/.test(class_type) ? [id] : [],
  );
}
