import { AutopodError } from '../../errors.ts';
import type { PodAbout, PodStanding, WorkEnvironment } from '../../jobs/environment.ts';
import type { TunnelView } from '../../keeper/client.ts';
import { openTunnel } from '../../lifecycle/open-tunnel.ts';
import type { ComfyWay } from '../../services/comfyui/index.ts';
import type { Pod } from '../../services/runpod/client.ts';
import { observePod } from '../../services/runpod/pod-state.ts';
import { presentIdentity } from '../../store/presence.ts';
import type { Seen } from '../gateway/seen.ts';
import type { Fleet } from '../pods/fleet.ts';

type Pods = WorkEnvironment['pods'];

/** Milliseconds for which the keeper's answer serves every job. */
const FRESH_MS = 250;
/** Milliseconds after which a tunnel is asked for again. */
const OPEN_AGAIN_MS = 5_000;
const KEEPER_MS = 10_000;

/** The pods of a fleet as jobs use them: by tunnels of the server's own keeper, which end with the server. */
export class Reach implements Pods {
  readonly #fleet: Fleet;
  readonly #seen: Seen;
  readonly #views = new Map<string, TunnelView>();
  readonly #askedAt = new Map<string, number>();
  #looking: Promise<void> | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(fleet: Fleet, seen: Seen) {
    this.#fleet = fleet;
    this.#seen = seen;
  }

  async standing(podId: string): Promise<PodStanding> {
    await this.#look();
    const view = this.#views.get(podId);
    if (view?.state === 'healthy' && view.comfy === 'answering') return 'ready';
    // A tunnel that is away says nothing of the pod: RunPod does.
    const pod = await this.#pod(podId);
    const condition = pod === undefined ? 'gone' : observePod(pod).condition;
    if (condition === 'gone' || condition === 'stopped') return condition;
    if (!view || view.state === 'failed') await this.#open(podId, view !== undefined);
    return 'unreachable';
  }

  way(podId: string): ComfyWay {
    const view = this.#views.get(podId);
    if (!view || view.state === 'waitingForPod' || view.state === 'failed')
      throw new AutopodError('comfyUnanswered', { podId });
    return { localPort: view.localPort };
  }

  async about(podId: string): Promise<PodAbout> {
    const pod = await this.#pod(podId).catch(() => undefined);
    if (!pod) return { gpu: null, pricePerHour: null };
    const { gpuName, gpuCount, costPerHour } = observePod(pod);
    const gpu = gpuName === undefined ? null : gpuCount > 1 ? `${gpuCount}x ${gpuName}` : gpuName;
    return { gpu, pricePerHour: costPerHour };
  }

  /** Leaves a pod that gets no more jobs. */
  async leave(podId: string): Promise<void> {
    await this.#fleet.keeper.close(podId, AbortSignal.timeout(KEEPER_MS)).catch(() => undefined);
    this.#views.delete(podId);
    this.#askedAt.delete(podId);
  }

  /** One question serves all; a list may lag. */
  async #pod(podId: string): Promise<Pod | undefined> {
    return (await this.#seen.list()).find(({ id }) => id === podId) ?? this.#seen.pod(podId);
  }

  async #look(): Promise<void> {
    if (performance.now() - this.#lookedAt < FRESH_MS) return;
    this.#looking ??= this.#ask().finally(() => {
      this.#looking = undefined;
    });
    await this.#looking;
  }

  async #ask(): Promise<void> {
    const views = await this.#fleet.keeper
      .tunnels(AbortSignal.timeout(KEEPER_MS))
      .catch((): TunnelView[] => []);
    this.#views.clear();
    for (const view of views) this.#views.set(view.podId, view);
    this.#lookedAt = performance.now();
  }

  async #open(podId: string, hasFailed: boolean): Promise<void> {
    const { home, log, keeper } = this.#fleet;
    const now = performance.now();
    if (now - (this.#askedAt.get(podId) ?? Number.NEGATIVE_INFINITY) < OPEN_AGAIN_MS) return;
    this.#askedAt.set(podId, now);
    try {
      if (hasFailed) await keeper.close(podId, AbortSignal.timeout(KEEPER_MS));
      const neededBy = await presentIdentity(home.locks);
      const wanted = { podId, localPort: 'auto' as const, neededBy };
      await openTunnel(this.#fleet, wanted, AbortSignal.timeout(KEEPER_MS));
    } catch (error) {
      log(`no tunnel to pod ${podId} for its jobs: ${(error as Error).message}`);
    }
  }
}
