import { randomBytes, randomInt } from 'node:crypto';
import type { Server } from 'node:net';
import type { ComfyUi } from '../comfyui/comfyui.ts';
import { type ListenAddress, listenFor } from '../comfyui/listener.ts';
import { Guard } from '../ssh/guard.ts';
import type { Shell, Use } from '../ssh/machine.ts';
import { Sshd } from '../ssh/sshd.ts';
import { LogBook } from './log-book.ts';

export type PodStatus = 'PROVISIONING' | 'STARTING' | 'RUNNING' | 'EXITED' | 'ERROR' | 'TERMINATED';
export type PodAction = 'start' | 'stop' | 'restart' | 'terminate';
export type Cloud = 'SECURE' | 'COMMUNITY';

/** What a pod is made of; fixed by its create, changed by a PATCH. */
export interface PodSpec {
  name: string;
  image: string;
  args: string;
  disk: number;
  env: Record<string, string>;
  ports: string[];
  registry: string | null;
  mounts: PodMounts;
  gpu: { id: string; count: number };
  cloud: Cloud;
  dataCenterId: string;
  /** Of the host; null where it reports none. */
  cudaVersion: string | null;
  globalNetworking: boolean;
}

export interface PodMounts {
  persistent?: { size: number; path: string };
  network?: { volumeId: string; path: string }[];
}

/** What a pod needs to know of its GPU and of the ComfyUI it runs. */
interface PodHardware {
  gpuMemory: number;
  pricePerGpuHour: number;
  vcpusPerGpu: number;
  /** System memory in GB. */
  ramPerGpu: number;
  /** Of its sshd, asked for at each start. */
  hostKey: () => string;
  /** Without one its ports are never mapped. */
  hasPublicIp: boolean;
}

const ACTIONS: Record<PodStatus, readonly PodAction[]> = {
  PROVISIONING: ['stop', 'terminate'],
  STARTING: ['stop', 'terminate'],
  RUNNING: ['stop', 'restart', 'terminate'],
  EXITED: ['start', 'terminate'],
  ERROR: ['start', 'terminate'],
  TERMINATED: [],
};

/** One pod with everything inside it: its log, its sshd and its ComfyUI. */
export class Pod {
  readonly id = newPodId();
  readonly machineId = randomBytes(4).toString('hex');
  createdAt = new Date();
  /** Later pods have a higher one. */
  readonly serial = newSerial();
  readonly log = new LogBook();
  readonly listeners = new Set<Server>();
  readonly sshd: Sshd;
  readonly comfyui: ComfyUi;
  readonly hardware: PodHardware;
  spec: PodSpec;
  status: PodStatus = 'PROVISIONING';
  locked = false;
  startedAt: Date | null = null;
  /** What it belongs to, when it is not a pod of its own. */
  cluster: { id: string; rank: number } | null = null;
  /** How often it has been started. */
  boots = 0;
  /** A stop was accepted and is not over. */
  isStopping = false;
  /** Set by the control route: shown as `ssh.direct` instead of the simulator's own sshd. */
  sshEndpoint: { host: string; port: number } | null = null;
  /** Until then sshd lets nobody in, as on a container whose keys are not written yet. */
  keysLetInFrom = 0;
  /** root's authorized_keys where it was changed since the boot, which writes it from `PUBLIC_KEY`. */
  changedKeys: string | null = null;
  shell: Shell = { manner: 'plain', delayMs: 0 };
  use: Use = { shells: 0, copies: 0, ticks: 6, bytes: 900, gpu: 0 };
  /** Stops that are taken and not done, before one is. */
  ignoredStops = 0;
  /** Fields shown as nobody planned for. */
  odd: Record<string, unknown> = {};
  /** Set by the control route: what the container's environment has in place of the create's. */
  envInside: Record<string, string> = {};
  /** Lines of `comfyui.log` in the workspace; null where ComfyUI writes to the container's log. */
  comfyLogFile: string[] | null = null;
  /** Ends the pod from inside, as its own key lets it; set by the world. */
  endFromInside: (action: 'stop' | 'terminate') => void = () => {};
  /** Whether the container has a key of its own with which it reaches RunPod. */
  hasOwnKey = true;
  readonly guard: Guard;
  #work = new AbortController();

  constructor(spec: PodSpec, hardware: PodHardware, comfyui: ComfyUi) {
    this.spec = spec;
    this.hardware = hardware;
    this.comfyui = comfyui;
    this.guard = new Guard({
      hasKey: () => this.hasOwnKey,
      isRunning: () => this.status === 'RUNNING' && !this.isStopping,
      hasJob: () => this.comfyui.state === 'up' && this.comfyui.queue.remaining > 0,
      work: () => {
        if (this.comfyui.state === 'up' && this.comfyui.queue.remaining > 0) return 'ComfyUI has a job';
        const { shells, copies, ticks, bytes, gpu } = this.use;
        if (shells > 0) return 'a shell is open on it';
        return copies > 0 || ticks >= 120 || bytes >= 600_000 || gpu >= 10 ? 'it computes or copies' : null;
      },
      end: (verb) => this.endFromInside(verb === 'kill' ? 'terminate' : 'stop'),
      say: (line) => this.log.add('container', line),
    });
    this.sshd = new Sshd({
      publicKeys: () => (Date.now() >= this.keysLetInFrom ? this.authorizedKeys : ''),
      hostKey: () => this.hardware.hostKey(),
      connectComfyUi: () => this.comfyui.connect(),
      machine: () => ({
        podId: this.id,
        gpu: this.spec.gpu,
        gpuMemory: this.hardware.gpuMemory,
        env: { ...this.spec.env, ...this.envInside },
        shell: this.shell,
        use: this.use,
        comfyLogFile: this.comfyLogFile,
        guard: this.guard,
        authorizedKeys: this.authorizedKeys,
        changeKeys: (text) => {
          this.changedKeys = text;
        },
      }),
    });
  }

  /** root's, as it is now. */
  get authorizedKeys(): string {
    return this.changedKeys ?? this.spec.env.PUBLIC_KEY ?? '';
  }

  /** The transitions RunPod would allow now. */
  get actions(): readonly PodAction[] {
    return this.isStopping ? ['terminate'] : ACTIONS[this.status];
  }

  /** Drops whatever the pod was doing and returns the signal of what it does next. */
  interrupt(): AbortSignal {
    this.#work.abort();
    this.#work = new AbortController();
    return this.#work.signal;
  }

  /** Opens another way to the pod's ComfyUI, until the pod is gone. */
  async listen(address: ListenAddress): Promise<void> {
    this.listeners.add(await listenFor(this.comfyui, address));
  }

  /** Ends the pod and every way to it. */
  async close(): Promise<void> {
    for (const listener of this.listeners) listener.close();
    this.listeners.clear();
    await this.powerOff();
  }

  /** Ends everything that runs inside. */
  async powerOff(): Promise<void> {
    this.guard.stop();
    this.comfyui.stop();
    await this.sshd.stop();
  }
}

let lastSerial = 0;

function newSerial(): number {
  lastSerial += 1;
  return lastSerial;
}

const ID_ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';

function newPodId(): string {
  return Array.from({ length: 14 }, () => ID_ALPHABET[randomInt(ID_ALPHABET.length)]).join('');
}
