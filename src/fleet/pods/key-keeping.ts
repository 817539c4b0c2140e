import { setTimeout as sleep } from 'node:timers/promises';
import { savedState } from '../../lifecycle/pod-records.ts';
import type { Fleet } from './fleet.ts';

/** Between two looks at who belongs to the fleet, and between two tries at a pod that did not answer. Milliseconds. */
const LOOK_MS = 1_000;
const AGAIN_MS = 30_000;
/** Milliseconds a pod has until its ssh answers. */
const REACH_MS = 25_000;
const POLL_MS = 200;

/** States in which a pod runs and nothing else opens a tunnel to it. */
const STANDING = ['ready', 'failed'];

/**
 * Lets the keys of members into the pods, and those of others out: at each boot, for a pod has by itself the keys it was
 * made with, and at once where somebody joins or leaves. Keys that never were a member's are left alone.
 */
export class KeyKeeping {
  readonly #fleet: Fleet;
  /** Pods whose keys may be others, and when to try. By `performance.now()`. */
  readonly #stale = new Map<string, number>();
  #known = '';

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
  }

  /** Looks until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#look(signal).catch((error: Error) => {
        if (!signal.aborted) this.#fleet.log(`the pods' keys cannot be looked at: ${error.message}`);
      });
      await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** For a pod that boots, while somebody else keeps a tunnel to it. Resolves when it is done, or at the signal. */
  async atBoot(podId: string, signal: AbortSignal): Promise<void> {
    this.#stale.set(podId, 0);
    while (!signal.aborted && this.#stale.has(podId)) {
      if (await this.#change(podId, signal)) this.#stale.delete(podId);
      else await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { people, pods, log } = this.#fleet;
    const wanted = JSON.stringify(await people.keyChange());
    const standing = Object.values(await pods.all()).flatMap((record) =>
      STANDING.includes(savedState(record)) ? (record.facts.podId ?? []) : [],
    );
    if (wanted !== this.#known) for (const podId of standing) this.#stale.set(podId, 0);
    this.#known = wanted;
    const due = standing.filter(
      (podId) => (this.#stale.get(podId) ?? Number.POSITIVE_INFINITY) <= performance.now(),
    );
    await Promise.all(
      due.map(async (podId) => {
        const isDone = await this.#reach(podId, signal).catch(() => false);
        if (isDone) this.#stale.delete(podId);
        else this.#stale.set(podId, performance.now() + AGAIN_MS);
        log(`pod ${podId} ${isDone ? 'has' : 'could not be given'} the keys of the members`);
      }),
    );
  }

  /** By a tunnel that is closed again where nobody else needs it. */
  async #reach(podId: string, signal: AbortSignal): Promise<boolean> {
    const { keeper, account, privateKey, self } = this.#fleet;
    const { path: keyPath, needsAgent, agentSocket } = await privateKey();
    const others = (await keeper.seen(signal)).some((tunnel) => tunnel.podId === podId);
    const request = { podId, localPort: 'auto' as const, account, keyPath, needsAgent, agentSocket };
    if (!others) await keeper.open({ ...request, neededBy: await self() }, signal);
    try {
      const givenUpAt = performance.now() + REACH_MS;
      while (performance.now() < givenUpAt) {
        if (await this.#change(podId, signal)) return true;
        await sleep(POLL_MS, undefined, { signal });
      }
      return false;
    } finally {
      if (!others) await keeper.close(podId).catch(() => undefined);
    }
  }

  async #change(podId: string, signal: AbortSignal): Promise<boolean> {
    const { keeper, people } = this.#fleet;
    return keeper.changeKeys(podId, await people.keyChange(), signal).catch(() => false);
  }
}
