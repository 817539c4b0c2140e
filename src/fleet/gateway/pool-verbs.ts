import { AutopodError } from '../../errors.ts';
import { callObject, type Places } from '../engine/ask.ts';
import type { ObjectInfos } from '../jobs/object-infos.ts';
import { mayDo, type Person } from '../people/people.ts';
import { unendedBy, waiting } from '../pools/fair.ts';
import { POOL_OBJECT } from '../pools/names.ts';
import type { PoolState, PoolWish } from '../pools/pool-types.ts';
import type { Pools } from '../pools/pools.ts';
import type { PoolRequest, PoolView } from '../wire-jobs.ts';

export interface PoolVerbsContext {
  places: Places;
  pools: Pools;
  objectInfos: ObjectInfos;
}

/** What a pool is where nothing is said. */
const USUAL = { min: 0, max: 1, idleMs: 5 * 60_000, patienceMs: 2 * 60_000 };

/** What members do with pools. */
export class PoolVerbs {
  readonly #context: PoolVerbsContext;

  constructor(context: PoolVerbsContext) {
    this.#context = context;
  }

  async list(): Promise<PoolView[]> {
    const names = (await this.#context.pools.all()).map(({ name }) => name).toSorted();
    const views = await Promise.all(names.map((name) => this.#view(name)));
    return views.filter((view) => view !== undefined);
  }

  /** Throws `poolNotFound`. */
  async info(name: string): Promise<PoolView> {
    const view = (await this.#context.pools.get(name)) && (await this.#view(name));
    if (!view) throw new AutopodError('poolNotFound', { pool: name });
    return view;
  }

  async set(person: Person, name: string, request: PoolRequest): Promise<PoolView> {
    const { pools } = this.#context;
    const before = await pools.get(name);
    const { isNew, ...wanted } = request;
    if (before && isNew) {
      throw new AutopodError('usage', {
        message: `There is a pool “${name}” already.`,
        next: `Change it with: autopod pool change ${name}`,
      });
    }
    if (!before && !isNew) throw new AutopodError('poolNotFound', { pool: name });
    if (before) requireOwn(person, before);
    const said = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined));
    const wish = { ...USUAL, ...before, ...said, name, owner: before?.owner ?? person.name };
    if (!('pod' in wish)) throw new AutopodError('usage', { message: 'pod: It is missing.' });
    const pool = wish as PoolWish;
    if (pool.min > pool.max) {
      throw new AutopodError('usage', {
        message: `A pool of at least ${pool.min} and at most ${pool.max} pods is none.`,
        next: 'Give --min and --max together.',
      });
    }
    await this.#call(name, 'wish', pool);
    return this.info(name);
  }

  /** Has its pods ended and the pool forgotten. Throws `usage` while jobs of it have not ended. */
  async remove(person: Person, name: string): Promise<PoolView> {
    const pool = await this.#context.pools.get(name);
    if (!pool) throw new AutopodError('poolNotFound', { pool: name });
    requireOwn(person, pool);
    const view = await this.info(name);
    const { left } = await this.#call<{ left: number }>(name, 'remove');
    if (left > 0) {
      throw new AutopodError('usage', {
        message: `${left === 1 ? 'A job' : `${left} jobs`} of pool ${name} ${left === 1 ? 'has' : 'have'} not ended.`,
        next: 'Wait for them, or take them back with: autopod jobs cancel',
      });
    }
    return { ...view, isRemoved: true };
  }

  /** What the nodes of its ComfyUI take; null where no pod like its has told yet. */
  async objectInfo(name: string): Promise<string | undefined> {
    const { pools, objectInfos } = this.#context;
    const pool = await pools.get(name);
    if (!pool) throw new AutopodError('poolNotFound', { pool: name });
    return objectInfos.of(pool.pod.image);
  }

  async #view(name: string): Promise<PoolView | undefined> {
    const state = await callObject<PoolState | null>(
      this.#context.places,
      { object: POOL_OBJECT, key: name, handler: 'read' },
      undefined,
    );
    return state ? viewOf(state) : undefined;
  }

  #call<T>(name: string, handler: string, json?: unknown): Promise<T> {
    return callObject<T>(this.#context.places, { object: POOL_OBJECT, key: name, handler }, json);
  }
}

function viewOf(state: PoolState): PoolView {
  const { wish, pods, ran, trouble, isRemoved = false } = state;
  return {
    ...wish,
    isRemoved,
    waiting: waiting(state),
    atWork: pods.reduce((sum, pod) => sum + pod.jobs.length, 0),
    jobs: unendedBy(state),
    meanMs: ran.jobs === 0 ? null : Math.round(ran.ms / ran.jobs),
    pods: pods.map((pod) => ({
      podId: pod.podId,
      launchId: pod.launchId,
      standing: pod.standing,
      jobs: pod.jobs.map(({ jobId }) => jobId),
    })),
    trouble: trouble && { failure: trouble.failure, at: new Date(trouble.at).toISOString() },
  };
}

/** It spends its owner's money. */
function requireOwn({ name, role }: Person, pool: PoolWish): void {
  if (pool.owner === name || mayDo(role, 'admin')) return;
  throw new AutopodError('notAllowed', { pool: pool.name, owner: pool.owner, role, needed: 'admin' });
}
