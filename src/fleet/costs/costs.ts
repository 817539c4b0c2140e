import { billedOrReckoned, windowsSince } from '../../lifecycle/billed.ts';
import { observePod } from '../../services/runpod/pod-state.ts';
import { endedRuns } from '../../store/runs.ts';
import type { Seen } from '../gateway/seen.ts';
import type { Fleet } from '../pods/fleet.ts';
import type { FleetCosts, PersonCosts, PodBills } from '../wire-jobs.ts';
import { type JobCost, type PodCost, sharedOut } from './shared-out.ts';

interface CostsContext {
  fleet: Pick<Fleet, 'home' | 'runpod' | 'owners' | 'pods'>;
  seen: Seen;
  jobs: JobCosts;
}

/** What is known of jobs that ended since then. */
export interface JobCosts {
  counts(since: number): Promise<Pick<PersonCosts, 'name' | 'jobs' | 'done' | 'files' | 'seconds'>[]>;
  costs(since: number): Promise<JobCost[]>;
}

const MILLION = 1e6;

/** What the pods of a fleet have cost, all of it, and whose that is. */
export class Costs {
  readonly #context: CostsContext;

  constructor(context: CostsContext) {
    this.#context = context;
  }

  /** Since then, or a little before: RunPod books by hours and days of UTC. */
  async since(asked: number): Promise<FleetCosts> {
    const { since, until, isBookRead, pods, unbooked } = await this.#billed(asked);
    const { jobs } = this.#context;
    const podCosts = await this.#podCosts(pods, unbooked);
    const [counts, jobCosts] = await Promise.all([jobs.counts(since), jobs.costs(since)]);
    const shares = sharedOut(podCosts, jobCosts);
    const people = new Map<string, PersonCosts>(
      counts.map((one) => [one.name, { ...one, jobsUsd: 0, podsUsd: 0, usd: 0, sharedUsd: 0 }]),
    );
    for (const { name, isPool, ...share } of shares) {
      if (isPool) continue;
      const { jobs: count = 0, done = 0, files = 0, seconds = 0 } = people.get(name) ?? {};
      people.set(name, {
        ...{ name, jobs: count, done, files, seconds },
        ...{ jobsUsd: share.jobs / MILLION, podsUsd: share.pods / MILLION },
        ...{ usd: share.all / MILLION, sharedUsd: share.shared / MILLION },
      });
    }
    const ofPools = shares.filter(({ isPool, all }) => isPool && all > 0);
    return {
      since: new Date(since).toISOString(),
      until: new Date(until).toISOString(),
      people: [...people.values()].toSorted((a, b) => b.usd - a.usd || a.name.localeCompare(b.name)),
      pools: ofPools
        .map(({ name, all, shared }) => ({ name, usd: all / MILLION, sharedUsd: shared / MILLION }))
        .toSorted((a, b) => b.usd - a.usd || a.name.localeCompare(b.name)),
      usd: shares.reduce((sum, { all }) => sum + all, 0) / MILLION,
      unbookedUsd: Math.round(unbooked.reduce((sum, { usd }) => sum + usd, 0) * MILLION) / MILLION,
      isBookRead,
    };
  }

  /** What it is made up of, pod by pod and bucket by bucket. */
  async bills(asked: number): Promise<PodBills> {
    const { since, until, pods, unbooked } = await this.#billed(asked);
    const { fleet, seen } = this.#context;
    const known = new Map<string, { name: string | null; gpu: string | null }>();
    for (const { podId, gpu } of await endedRuns(fleet.home)) known.set(podId, { name: null, gpu });
    for (const { facts } of Object.values(await fleet.pods.all()))
      if (facts.podId !== null) known.set(facts.podId, { name: facts.wish.name, gpu: null });
    for (const pod of await seen.list())
      known.set(pod.id, { name: pod.name, gpu: observePod(pod).gpuName ?? null });
    const ids = new Set([...pods.map(({ id }) => id), ...unbooked.map(({ podId }) => podId)]);
    return {
      ...{ since, until, pods, unbooked },
      known: [...known].filter(([podId]) => ids.has(podId)).map(([podId, what]) => ({ podId, ...what })),
    };
  }

  /** Of the fleet's pods alone: the account may have others. */
  async #billed(asked: number) {
    const { fleet, seen } = this.#context;
    const windows = windowsSince(asked, Date.now());
    const [owners, listed, ended] = await Promise.all([
      fleet.owners.all(),
      seen.list(),
      endedRuns(fleet.home),
    ]);
    const billed = await seen.shared(`costs since ${windows.since}`, (signal) =>
      billedOrReckoned(fleet.runpod, windows, { listed, ended }, signal),
    );
    return {
      ...windows,
      isBookRead: billed.isBookRead,
      pods: billed.pods.filter(({ id }) => owners.has(id)),
      unbooked: billed.unbooked.filter(({ podId }) => owners.has(podId)),
    };
  }

  async #podCosts(bills: PodBills['pods'], unbooked: PodBills['unbooked']): Promise<PodCost[]> {
    const owners = await this.#context.fleet.owners.all();
    const sums = new Map<string, number>();
    for (const { id, total } of bills) sums.set(id, (sums.get(id) ?? 0) + total);
    for (const { podId, usd } of unbooked) sums.set(podId, (sums.get(podId) ?? 0) + usd);
    return [...sums].map(([podId, usd]) => ({ podId, usd, owner: owners.get(podId) ?? '' }));
  }
}
