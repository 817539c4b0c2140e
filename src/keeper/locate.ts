import { setTimeout as sleep } from 'node:timers/promises';
import { steadyMs } from '../clock.ts';
import { AutopodError } from '../errors.ts';
import type { SshAddress } from '../machines/tunnel.ts';
import { createRunPod, type RunPod } from '../services/runpod/client.ts';
import { podSecretOf } from '../services/runpod/pod-secret.ts';
import { observePod, type PodSeen } from '../services/runpod/pod-state.ts';

/** The account a tunnel's pod belongs to. The key stays in memory. */
export interface Account {
  apiUrl: string;
  apiKey: string;
}

/** RunPod as the keeper asks it: all tunnels of an account share a pace, which leaves room for the user's commands. */
export class PacedRunPod {
  readonly runpod: RunPod;
  #due = Number.NEGATIVE_INFINITY;

  constructor(account: Account) {
    // Shorter than a command's: a lost network must not hide for long where a pod went.
    this.runpod = createRunPod({ ...account, readTimeoutMs: 5_000 });
  }

  /** Resolves when it is time for one more question: some at once, then one each `GAP_MS`. */
  async turn(signal: AbortSignal): Promise<void> {
    this.#due = Math.max(this.#due, performance.now() - BURST * GAP_MS) + GAP_MS;
    const pauseMs = this.#due - performance.now();
    if (pauseMs > 0) await sleep(pauseMs, undefined, { signal });
  }
}

/** RunPod takes 60 questions a minute. */
const GAP_MS = 1_500;
const BURST = 8;

export type PodLocation =
  | { kind: 'running'; address: SshAddress }
  | { kind: 'pending' }
  | { kind: 'notRunning' };

/** Asks RunPod where a pod is, not more often than the pace allows. Throws `podGone` for one that no longer exists, `podWithoutSsh`. */
export class Locator {
  readonly #account: () => Promise<PacedRunPod>;
  readonly #everyMs: number;
  #notBefore = 0;
  /** The boot seen last, and when it was begun. */
  #boot: { id: string; beganAt: number } | undefined;
  /** What the pod was given to prove itself with, in the boot seen last. */
  #told: { bootId: string; secret: string | null } | undefined;

  constructor(account: () => Promise<PacedRunPod>, everyMs: number) {
    this.#account = account;
    this.#everyMs = everyMs;
  }

  /**
   * Milliseconds for which this boot of the pod has run at least: as long as RunPod said when it was seen first, and what
   * has passed since. One that RunPod has not shown yet counts from now on.
   */
  bootAgeMs(bootId: string): number {
    const now = steadyMs();
    if (this.#boot?.id !== bootId) this.#boot = { id: bootId, beganAt: now };
    return now - this.#boot.beganAt;
  }

  // RunPod's `startedAt` is by its own clock, which may stand elsewhere than this machine's.
  #note({ bootId, uptimeSeconds }: PodSeen): void {
    const beganAt = steadyMs() - uptimeSeconds * 1000;
    if (this.#boot?.id !== bootId) this.#boot = { id: bootId, beganAt };
    else this.#boot.beganAt = Math.min(this.#boot.beganAt, beganAt);
  }

  /**
   * What the pod has to prove itself with in this boot, as RunPod told when it was asked last; null where the pod was given
   * nothing, undefined where RunPod was not asked. Kept in memory only.
   */
  secretOf(bootId: string): string | null | undefined {
    return this.#told?.bootId === bootId ? this.#told.secret : undefined;
  }

  async locate(podId: string, signal: AbortSignal): Promise<PodLocation> {
    const pauseMs = this.#notBefore - performance.now();
    if (pauseMs > 0) await sleep(pauseMs, undefined, { signal });
    this.#notBefore = performance.now() + this.#everyMs;
    const account = await this.#account();
    await account.turn(signal);
    try {
      const pod = await account.runpod.getPod(podId, signal);
      const seen = observePod(pod);
      this.#told = { bootId: seen.bootId, secret: podSecretOf(pod) };
      this.#note(seen);
      return locationOf(seen);
    } catch (error) {
      if (error instanceof AutopodError && error.code === 'podNotFound')
        throw new AutopodError('podGone', { podId });
      throw error;
    }
  }
}

function locationOf({ podId, condition, ssh, hasSshPort, bootId }: PodSeen): PodLocation {
  if (condition === 'gone') throw new AutopodError('podGone', { podId });
  if (condition === 'stopped' || condition === 'broken') return { kind: 'notRunning' };
  if (!hasSshPort) throw new AutopodError('podWithoutSsh', { podId });
  if (condition !== 'running' || !ssh) return { kind: 'pending' };
  return { kind: 'running', address: { ...ssh, bootId } };
}
