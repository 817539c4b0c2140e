import { AutopodError, toFailure } from '../errors.ts';
import type { JobPods, PodAbout, PodStanding } from '../jobs/environment.ts';
import type { ComfyWay } from '../services/comfyui/index.ts';
import { loadConfig } from '../services/config.ts';
import { observePod } from '../services/runpod/pod-state.ts';
import { usePrivateKey } from '../services/ssh/key.ts';
import type { StopPlan } from '../store/plans.ts';
import type { Accounts } from './accounts.ts';
import type { Stopping } from './stopping.ts';
import type { Tunnel } from './tunnel.ts';

export interface JobPodsOptions {
  accounts: Accounts;
  stopping: Stopping;
  configPath: string;
  env: NodeJS.ProcessEnv;
  tunnelTo: (podId: string) => Tunnel | undefined;
  /** Opens a tunnel that ends when no job needs it. */
  openTunnel: (podId: string, needs: TunnelNeeds) => Promise<void>;
  log: (line: string) => void;
  /** Told that more is known of a pod. */
  onNews: () => void;
}

/** The account and key with which a pod is reached. */
export type TunnelNeeds = Pick<StopPlan, 'apiUrl' | 'keyPath' | 'needsAgent' | 'agentSocket'>;

/** Milliseconds after which RunPod is asked again for a pod that has no tunnel, and for what a pod costs. */
const ASK_AGAIN_MS = 5_000;
const PRICE_AGE_MS = 60_000;

/** The pods of the keeper's tunnels, as jobs use them. */
export class KeeperPods implements JobPods {
  readonly #options: JobPodsOptions;
  readonly #apiUrls = new Map<string, string>();
  readonly #without = new Map<string, { at: number; standing: PodStanding }>();
  readonly #about = new Map<string, { at: number; about: PodAbout }>();

  constructor(options: JobPodsOptions) {
    this.#options = options;
  }

  /** The server that a pod belongs to, until something else is told. */
  remember(podId: string, apiUrl: string): void {
    this.#apiUrls.set(podId, apiUrl);
    this.#without.delete(podId);
  }

  async standing(podId: string): Promise<PodStanding> {
    const tunnel = this.#options.tunnelTo(podId);
    if (!tunnel) return this.#standingWithout(podId);
    const { state, comfy } = tunnel.view;
    if (state === 'waitingForPod') return 'stopped';
    if (state !== 'healthy' || comfy === 'down' || comfy === 'other') return 'unreachable';
    const stopAt = this.#options.stopping.timeIsUpAt(podId);
    return stopAt !== undefined && stopAt <= Date.now() ? 'closing' : 'ready';
  }

  way(podId: string): ComfyWay {
    const { state, localPort } = this.#options.tunnelTo(podId)?.view ?? {};
    // While it heals a question is held as anybody's is.
    if (localPort === undefined || state === 'waitingForPod' || state === 'failed')
      throw new AutopodError('comfyUnanswered', { podId });
    return { localPort };
  }

  async about(podId: string, signal: AbortSignal): Promise<PodAbout> {
    const known = this.#about.get(podId);
    if (known && performance.now() - known.at < PRICE_AGE_MS) return known.about;
    try {
      const { runpod } = await this.#options.accounts.of(podId, await this.#apiUrlOf(podId));
      const { gpuName, gpuCount, costPerHour } = observePod(await runpod.getPod(podId, signal));
      const gpu = gpuName === undefined ? null : gpuCount > 1 ? `${gpuCount}x ${gpuName}` : gpuName;
      const about = { gpu, pricePerHour: costPerHour };
      this.#about.set(podId, { at: performance.now(), about });
      return about;
    } catch {
      signal.throwIfAborted();
      return known?.about ?? { gpu: null, pricePerHour: null };
    }
  }

  stopAt(podId: string): number | undefined {
    return this.#options.stopping.timeIsUpAt(podId);
  }

  async end(podId: string, how: 'stop' | 'kill'): Promise<void> {
    const { stopping, log } = this.#options;
    const plan = {
      ...(await this.#needsOf(podId)),
      stopAt: new Date().toISOString(),
      idleMs: null,
      isForGood: how === 'kill',
      why: 'nothing was left for it',
    };
    await stopping.planEnd(podId, plan).catch((error: unknown) => {
      // Somebody has ended it, and it has no record any more.
      if (toFailure(error).code !== 'podNotFound') throw error;
      log(`pod ${podId} is not known here any more, and is left as it is`);
    });
  }

  /** A pod without a tunnel: RunPod says whether there is one, and then a tunnel is opened. */
  async #standingWithout(podId: string): Promise<PodStanding> {
    const last = this.#without.get(podId);
    if (last && (last.standing === 'gone' || performance.now() - last.at < ASK_AGAIN_MS))
      return last.standing;
    this.#without.set(podId, { at: performance.now(), standing: 'unreachable' });
    void this.#lookFor(podId).then((standing) => {
      this.#without.set(podId, { at: performance.now(), standing });
      this.#options.onNews();
    });
    return 'unreachable';
  }

  async #lookFor(podId: string): Promise<PodStanding> {
    const { accounts, openTunnel, log } = this.#options;
    try {
      const needs = await this.#needsOf(podId);
      const { runpod } = await accounts.of(podId, needs.apiUrl);
      const { condition } = observePod(await runpod.getPod(podId, AbortSignal.timeout(20_000)));
      if (condition === 'gone') return 'gone';
      await openTunnel(podId, needs);
      return condition === 'stopped' ? 'stopped' : 'unreachable';
    } catch (error) {
      const { code } = toFailure(error);
      if (code === 'podNotFound' || code === 'podGone') return 'gone';
      log(`no tunnel to pod ${podId} for its jobs (${code})`);
      return 'unreachable';
    }
  }

  async #apiUrlOf(podId: string): Promise<string> {
    const { tunnelTo, configPath, env } = this.#options;
    return this.#apiUrls.get(podId) ?? tunnelTo(podId)?.apiUrl ?? (await loadConfig(configPath, env)).apiUrl;
  }

  async #needsOf(podId: string): Promise<TunnelNeeds> {
    const { tunnelTo, configPath, env } = this.#options;
    const apiUrl = await this.#apiUrlOf(podId);
    const wish = tunnelTo(podId)?.wish;
    if (wish) {
      const { keyPath, needsAgent, agentSocket } = wish;
      return { apiUrl, keyPath, needsAgent, agentSocket };
    }
    const { sshKeyPath } = await loadConfig(configPath, env);
    const { path, needsAgent, agentSocket } = await usePrivateKey(sshKeyPath, env);
    return { apiUrl, keyPath: path, needsAgent, agentSocket: agentSocket ?? null };
  }
}
