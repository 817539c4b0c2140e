import { EventEmitter, once } from 'node:events';
import { Problem } from '../api/answer.ts';
import { RequestLog } from '../api/request-log.ts';
import { Meter } from '../billing/meter.ts';
import { ComfyUi } from '../comfyui/comfyui.ts';
import type { ComfyScript } from '../comfyui/script.ts';
import { type Fault, FaultQueue } from '../faults.ts';
import { parseScenario, type Scenario } from '../scenario.ts';
import { generateHostKey } from '../ssh/host-key.ts';
import { bystanderSpec } from './bystanders.ts';
import { type CreatePodBody, plan } from './create.ts';
import { boot, halt, type Surroundings, stop } from './lifecycle.ts';
import { RAM_PER_GPU, VCPUS_PER_GPU } from './placement.ts';
import { Pod, type PodAction, type PodSpec } from './pod.ts';

/** Why a pod of a cluster cannot be acted on by itself. */
export const CLUSTER_MEMBER = 'pod is a member of a cluster; manage it through the cluster';
const HOST_IS_FULL = 'There are not enough free GPUs on the host machine to start this pod.';

/** The account, its pods and the script they follow. Emits `changed` whenever any of it may look different. */
export class World extends EventEmitter<{ changed: []; status: [Pod] }> {
  readonly pods = new Map<string, Pod>();
  readonly faults = new FaultQueue();
  readonly requests = new RequestLog();
  readonly meter = new Meter();
  /** How many pods were ever created. */
  createCount = 0;
  /** By image. */
  readonly #hostKeys = new Map<string, string>();
  #scenario: Scenario;
  readonly #surroundings: Surroundings = {
    latencies: () => this.#scenario.latencies,
    comfyStart: ({ spec }) => {
      const { comfyui, oldDrivers } = this.#scenario;
      const isTooOld = oldDrivers.includes(spec.gpu.id);
      return {
        release: comfyui.imageRelease,
        end: isTooOld ? 'driverTooOld' : comfyui.crashes ? 'crash' : undefined,
      };
    },
    changed: () => this.changed(),
    statusChanged: (pod) => {
      this.meter.note(pod);
      this.emit('status', pod);
      this.changed();
    },
  };

  constructor(scenario: Scenario) {
    super();
    this.setMaxListeners(0);
    this.#scenario = structuredClone(scenario);
    this.addFaults(scenario.faults);
  }

  /** The script as it is now. The account's volumes and keys live in it too. */
  get scenario(): Scenario {
    return this.#scenario;
  }

  /** Replaces the script; faults in it are added to those still to come. @throws ScenarioError */
  rewrite(input: unknown): void {
    const scenario = parseScenario(input);
    this.addFaults(scenario.faults);
    this.#scenario = { ...scenario, faults: [] };
    this.changed();
  }

  addFaults(faults: readonly Fault[]): void {
    this.faults.add(faults);
    this.#scenario.faults = [];
  }

  /** Pods that use up money: all that are not stopped. */
  get runningPods(): Pod[] {
    return [...this.pods.values()].filter(({ status }) => status !== 'EXITED' && status !== 'TERMINATED');
  }

  /** @throws Problem 404 */
  pod(id: string): Pod {
    const pod = this.pods.get(id);
    if (!pod) throw new Problem(404, 'pod not found');
    return pod;
  }

  /** @throws Problem when a rule is broken or nothing is in stock */
  createPod(body: CreatePodBody): Pod {
    const pod = this.#build(plan(this.#scenario, body));
    this.pods.set(pod.id, pod);
    this.createCount += 1;
    boot(pod, this.#surroundings);
    return pod;
  }

  /** Adds pods that somebody else of the account once made and stopped, at no cost to this process. */
  addBystanders({ count, clusterId }: { count: number; clusterId?: string | undefined }): void {
    for (let index = 0; index < count; index++) {
      const pod = this.#build(bystanderSpec(this.#scenario, index));
      pod.status = 'EXITED';
      this.meter.note(pod);
      if (clusterId !== undefined) pod.cluster = { id: clusterId, rank: index };
      this.pods.set(pod.id, pod);
    }
    this.changed();
  }

  /** @throws Problem 409 for what the pod's `actions` do not list, or for a locked pod */
  act(pod: Pod, action: PodAction): void {
    if (pod.cluster) throw new Problem(409, CLUSTER_MEMBER);
    if (!pod.actions.includes(action)) {
      throw new Problem(409, `action ${action} is not valid for a pod in status ${pod.status}`);
    }
    if (pod.locked && action !== 'start') throw new Problem(409, `pod is locked: ${action} is not allowed`);
    const act: Record<PodAction, () => void> = {
      start: () => this.#start(pod),
      stop: () => stop(pod, this.#surroundings),
      restart: () => this.restart(pod),
      terminate: () => this.terminate(pod),
    };
    act[action]();
  }

  /** Restarts the container in place. */
  restart(pod: Pod): void {
    boot(pod, this.#surroundings, 'STARTING');
  }

  /** Ends a pod as if by itself. */
  halt(pod: Pod, status: 'EXITED' | 'ERROR'): void {
    halt(pod, this.#surroundings, status);
  }

  terminate(pod: Pod): void {
    this.pods.delete(pod.id);
    void pod.close();
    halt(pod, this.#surroundings, 'TERMINATED');
  }

  /** Resolves once the condition holds; it is looked at after every change. */
  async until(condition: (world: this) => boolean, signal?: AbortSignal): Promise<void> {
    while (!condition(this)) await once(this, 'changed', { signal });
  }

  changed(): void {
    this.emit('changed');
  }

  async close(): Promise<void> {
    const pods = [...this.pods.values()];
    for (const pod of pods) pod.interrupt();
    await Promise.all(pods.map((pod) => pod.close()));
  }

  #start(pod: Pod): void {
    if (this.#scenario.balance <= 0) throw new Problem(402, 'insufficient balance to start a pod');
    if (this.#scenario.fullOnResume) throw new Problem(400, HOST_IS_FULL);
    if (this.#scenario.zeroGpusOnResume) pod.spec.gpu = { ...pod.spec.gpu, count: 0 };
    boot(pod, this.#surroundings);
  }

  #hostKeyOf({ image }: PodSpec): string {
    if (this.#scenario.hostKeys === 'boot') return generateHostKey();
    const key = this.#hostKeys.get(image) ?? generateHostKey();
    this.#hostKeys.set(image, key);
    return key;
  }

  #build(spec: PodSpec): Pod {
    const entry = this.#scenario.gpus.find(({ id }) => id === spec.gpu.id);
    const price = spec.cloud === 'SECURE' ? entry?.price.secure : entry?.price.community;
    const hardware = {
      gpuMemory: entry?.memory ?? 0,
      pricePerGpuHour: price ?? 0,
      vcpusPerGpu: VCPUS_PER_GPU,
      ramPerGpu: RAM_PER_GPU,
      hostKey: () => this.#hostKeyOf(spec),
      hasPublicIp: !this.#scenario.withoutPublicIp.includes(spec.gpu.id),
    };
    const comfyui = new ComfyUi({
      script: () => comfyScript(this.#scenario),
      gpu: () => ({ ...pod.spec.gpu, memory: hardware.gpuMemory }),
    });
    const pod: Pod = new Pod(spec, hardware, comfyui);
    pod.endFromInside = (action) => {
      if (pod.actions.includes(action)) this.act(pod, action);
    };
    return pod;
  }
}

function comfyScript({ comfyui: { imageRelease, crashes, ...script } }: Scenario): Partial<ComfyScript> {
  return script;
}
