import { randomUUID } from 'node:crypto';
import { AutopodError, type Failure } from '../../errors.ts';
import { savedState, unbegunFacts } from '../../lifecycle/pod-records.ts';
import type { JobFacts } from '../../machines/job-types.ts';
import type { PodFacts } from '../../machines/pod-types.ts';
import { hasEnded, type JobRecord, jobRecord } from '../../store/job-record.ts';
import type { JobStore } from '../../store/jobs.ts';
import type { ObjectInfos } from '../jobs/object-infos.ts';
import type { Reach } from '../jobs/reach.ts';
import type { Fleet } from '../pods/fleet.ts';
import type { PodSeen, PoolPod, PoolWish } from './pool-types.ts';
import type { Pools } from './pools.ts';

export interface PoolWorksContext {
  fleet: Pick<Fleet, 'pods' | 'journal' | 'mayBeSpent'>;
  store: JobStore;
  pools: Pools;
  reach: Reach;
  objectInfos: ObjectInfos;
}

/** The next job of a batch that is not over, and how many before it are, or cannot be read any more. */
export interface Found {
  facts: JobFacts | null;
  over: number;
  lost: number;
}

/** Batches whose jobs are known by name. */
const MOST_KNOWN = 32;

/** What a pool has done outside of the engine. Each may be done twice. */
export class PoolWorks {
  readonly #context: PoolWorksContext;
  readonly #ids = new Map<string, string[]>();

  constructor(context: PoolWorksContext) {
    this.#context = context;
  }

  /** How the pods stand. What cannot be told now is told another time. */
  async look({ pod: { image } }: PoolWish, pods: PoolPod[]): Promise<PodSeen[]> {
    const { fleet, reach, objectInfos } = this.#context;
    const records = await fleet.pods.all();
    return Promise.all(
      pods.map(async ({ launchId }): Promise<PodSeen> => {
        const record = records[launchId];
        if (!record) return { launchId, podId: null, state: null, failure: null, standing: null };
        const { podId, failure } = record.facts;
        const state = savedState(record);
        const isAsked = state === 'ready' && podId !== null;
        const standing = isAsked ? await reach.standing(podId).catch(() => 'unreachable' as const) : null;
        if (standing === 'ready' && podId !== null) objectInfos.learn(image, () => reach.way(podId));
        return { launchId, podId, state, failure, standing };
      }),
    );
  }

  async next(batchId: string, from: number): Promise<Found> {
    const jobIds = await this.#jobIds(batchId);
    const found: Found = { facts: null, over: 0, lost: 0 };
    for (let n = from; n < jobIds.length; n++) {
      const record = await this.#read(jobIds[n] ?? '');
      if (record && !hasEnded(record)) return { ...found, facts: record.facts };
      if (record) found.over += 1;
      else found.lost += 1;
    }
    return found;
  }

  /** Of a batch, from a position on, the jobs that are not over: all, or those among the named. */
  async waiting(batchId: string, from: number, named: string[] | null): Promise<string[]> {
    const waiting: string[] = [];
    for (const jobId of (await this.#jobIds(batchId)).slice(from)) {
      if (named && !named.includes(jobId)) continue;
      const record = await this.#read(jobId);
      if (record && !hasEnded(record)) waiting.push(jobId);
    }
    return waiting;
  }

  /** Has jobs end that no pod has. */
  async leaveOut(jobIds: string[], failure: Failure | null): Promise<void> {
    const { store, fleet } = this.#context;
    for (const jobId of jobIds) {
      await store.update(jobId, ({ facts }) =>
        jobRecord({ ...facts, failure, ...(failure === null && { asked: 'cancel' }) }, 'cancelled'),
      );
      await fleet.journal.append({
        at: new Date().toISOString(),
        machine: 'job@1',
        id: jobId,
        event: failure === null ? 'cancel.requested' : 'batch.stopped',
        from: 'waitingForPod',
        to: 'cancelled',
        reason: failure?.code,
      });
    }
  }

  async finish(batchIds: string[]): Promise<void> {
    for (const batchId of batchIds) {
      await this.#context.store.noteBatch(batchId, { isFinished: true });
      this.#ids.delete(batchId);
    }
  }

  /** Whether a batch is over, or not there at all. */
  async isFinished(batchId: string): Promise<boolean> {
    return (await this.#context.store.batchRecord(batchId))?.isFinished ?? true;
  }

  /** Why no pod may be made for a pool now; null where one may. */
  mayBeSpent(wish: PoolWish): Promise<Failure | null> {
    return this.#context.fleet.mayBeSpent({ owner: wish.owner });
  }

  launch({ name, pod }: PoolWish): PodFacts {
    const launchId = randomUUID();
    return unbegunFacts(launchId, { ...pod, name: `${name}-${launchId.slice(0, 4)}` }, NO_TUNNEL);
  }

  keep(wish: PoolWish): Promise<void> {
    return this.#context.pools.keep(wish);
  }

  forget(name: string): Promise<void> {
    return this.#context.pools.forget(name);
  }

  /** The names of a batch's jobs, which it keeps for good: a large one is not read for each of them. */
  async #jobIds(batchId: string): Promise<string[]> {
    const known = this.#ids.get(batchId);
    if (known) return known;
    const { jobIds } = (await this.#context.store.batchRecord(batchId)) ?? {};
    if (!jobIds) return [];
    this.#ids.set(batchId, jobIds);
    const [oldest] = this.#ids.keys();
    if (this.#ids.size > MOST_KNOWN && oldest !== undefined) this.#ids.delete(oldest);
    return jobIds;
  }

  async #read(jobId: string): Promise<JobRecord | undefined> {
    return this.#context.store.get(jobId).catch((error: unknown) => {
      if (error instanceof AutopodError && error.code === 'stateDamaged') return undefined;
      throw error;
    });
  }
}

const NO_TUNNEL = { keepTunnel: false, localPort: 'auto' } as const;
