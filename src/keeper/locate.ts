import { setTimeout as sleep } from 'node:timers/promises';
import { AutopodError } from '../errors.ts';
import type { SshAddress } from '../machines/tunnel.ts';
import { createRunPod } from '../services/runpod/client.ts';
import { observePod } from '../services/runpod/pod-state.ts';

/** Shorter than a command's: a lost network must not hide for long where the pod went. */
const READ_TIMEOUT_MS = 5_000;

/** The account a tunnel's pod belongs to. The key stays in memory. */
export interface Account {
  apiUrl: string;
  apiKey: string;
}

export type PodLocation =
  | { kind: 'running'; address: SshAddress }
  | { kind: 'pending' }
  | { kind: 'notRunning' };

/** Asks RunPod where a pod is, not more often than the pace allows. Throws `podGone` for one that no longer exists. */
export class Locator {
  readonly #account: () => Promise<Account>;
  readonly #everyMs: number;
  #notBefore = 0;

  constructor(account: () => Promise<Account>, everyMs: number) {
    this.#account = account;
    this.#everyMs = everyMs;
  }

  async locate(podId: string, signal: AbortSignal): Promise<PodLocation> {
    const pauseMs = this.#notBefore - Date.now();
    if (pauseMs > 0) await sleep(pauseMs, undefined, { signal });
    this.#notBefore = Date.now() + this.#everyMs;
    const runpod = createRunPod({ ...(await this.#account()), readTimeoutMs: READ_TIMEOUT_MS });
    try {
      return locationOf(observePod(await runpod.getPod(podId, signal)));
    } catch (error) {
      if (error instanceof AutopodError && error.code === 'podNotFound')
        throw new AutopodError('podGone', { podId });
      throw error;
    }
  }
}

function locationOf({ podId, condition, ssh, bootId }: ReturnType<typeof observePod>): PodLocation {
  if (condition === 'gone') throw new AutopodError('podGone', { podId });
  if (condition === 'stopped' || condition === 'broken') return { kind: 'notRunning' };
  if (condition !== 'running' || !ssh) return { kind: 'pending' };
  return { kind: 'running', address: { ...ssh, bootId } };
}
