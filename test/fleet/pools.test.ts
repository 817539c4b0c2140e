import { describe, expect, it } from 'vitest';
import { nextJob, waiting } from '../../src/fleet/pools/fair.ts';
import type { JobNews } from '../../src/fleet/pools/names.ts';
import type { PodSeen, PoolPod, PoolState, PoolWish } from '../../src/fleet/pools/pool-types.ts';
import { needsLook, resized, wantedPods, withLook } from '../../src/fleet/pools/size.ts';
import {
  unbegunPool,
  whyNotRun,
  withBatch,
  withGiven,
  withNews,
  withoutEnded,
  withoutNext,
  withPod,
  withWithdrawn,
} from '../../src/fleet/pools/turns.ts';
import { WISH } from './support/pool-wish.ts';

const NOW = 1_000_000;

function pool(wish: Partial<PoolWish> = {}): PoolState {
  return unbegunPool({ ...WISH, ...wish });
}

function batch(batchId: string, owner: string, count = 1, more: object = {}) {
  return { batchId, owner, count, priority: 0, onError: 'go-on' as const, maxCost: null, ...more };
}

function pod(launchId: string, more: Partial<PoolPod> = {}): PoolPod {
  const podId = `pod-${launchId}`;
  return { launchId, podId, begunAt: NOW, standing: 'ready', jobs: [], busyAt: NOW, ...more };
}

function news(jobId: string, batchId: string, more: Partial<JobNews> = {}): JobNews {
  return { jobId, batchId, what: 'ended', state: 'done', podId: 'p', ranMs: 1_000, usd: 0.01, ...more };
}

function seen(launchId: string, more: Partial<PodSeen> = {}): PodSeen {
  return { launchId, podId: `pod-${launchId}`, state: 'ready', failure: null, standing: 'ready', ...more };
}

/** Gives the next job, and says whose it is and where it went; undefined where nothing can be given. */
function given(state: PoolState): { state: PoolState; jobId: string; owner: string; to: string } | undefined {
  const next = nextJob(state);
  if (!next) return undefined;
  const jobId = next.returned?.jobId ?? `${next.entry.batchId}${next.entry.next}`;
  const { owner } = next.entry;
  return { state: withGiven(state, next, jobId, NOW), jobId, owner, to: next.pod.launchId };
}

/** Has one pod do everything, one job after the other, and says whose jobs were done in which order. */
function orderOf(begun: PoolState, msOf: (owner: string) => number, jobs: number): string {
  let state = begun;
  let order = '';
  for (let n = 0; n < jobs; n++) {
    const one = given(state);
    if (!one) break;
    order += one.owner.charAt(0);
    const batchId = one.jobId.replace(/\d+$/, '');
    state = withNews(one.state, news(one.jobId, batchId, { ranMs: msOf(one.owner) }), NOW);
  }
  return order;
}

describe('who is next at a pool', () => {
  it('is the one who has had the least, whoever came first and with however many jobs', () => {
    let state = { ...pool(), pods: [pod('1')] };
    state = withBatch(state, batch('a', 'ann', 100));
    state = withBatch(state, batch('b', 'bob', 3));
    expect(orderOf(state, () => 1_000, 8)).toBe('abababaa');
  });

  it('is counted by time and not by jobs: long ones come less often', () => {
    let state = { ...pool(), pods: [pod('1')], ran: { jobs: 1, ms: 1_000 } };
    state = withBatch(state, batch('a', 'ann', 100));
    state = withBatch(state, batch('b', 'bob', 100));
    const order = orderOf(state, (owner) => (owner === 'ann' ? 9_000 : 1_000), 60);
    const count = (who: string) => order.split(who).length - 1;
    expect(count('b') / count('a')).toBeGreaterThan(6);
  });

  it('is no one who saved up time by having nothing to do', () => {
    let state = { ...pool(), pods: [pod('1')] };
    state = withBatch(state, batch('a', 'ann', 100));
    orderOf(state, () => 1_000, 1);
    for (let n = 0; n < 20; n++) {
      const one = given(state);
      if (one) state = withNews(one.state, news(one.jobId, 'a'), NOW);
    }
    state = withBatch(state, batch('b', 'bob', 100));
    expect(orderOf(state, () => 1_000, 6)).toMatch(/^(ab|ba){3}$/);
  });

  it('has a higher priority, whatever was had before', () => {
    let state = { ...pool(), pods: [pod('1')] };
    state = withBatch(state, batch('a', 'ann', 3));
    state = withBatch(state, batch('b', 'bob', 3, { priority: 1 }));
    expect(orderOf(state, () => 1_000, 6)).toBe('bbbaaa');
  });

  it('goes to the pod that has the least: one that runs and one that is ready, and no third', () => {
    let state = { ...pool(), pods: [pod('1'), pod('2'), pod('3', { standing: 'unreachable' })] };
    state = withBatch(state, batch('a', 'ann', 9));
    const to: string[] = [];
    for (let one = given(state); one; one = given(state)) {
      to.push(one.to);
      ({ state } = one);
    }
    expect(to.toSorted()).toEqual(['1', '1', '2', '2']);
    expect(to.slice(0, 2).toSorted()).toEqual(['1', '2']);
    state = withNews(state, news('a0', 'a', { what: 'made' }), NOW);
    expect(given(state)?.to).toBe(to[0]);
  });

  it('is handed over once, whatever is told twice', () => {
    let state = { ...pool(), pods: [pod('1')] };
    state = withBatch(withBatch(state, batch('a', 'ann')), batch('a', 'ann'));
    const one = given(state);
    expect(one?.jobId).toBe('a0');
    state = one?.state ?? state;
    expect(given(state)).toBeUndefined();
    state = withNews(state, news('a0', 'a', { what: 'back', ranMs: null }), NOW);
    state = withNews(state, news('a0', 'a', { what: 'back', ranMs: null }), NOW);
    const again = given(state);
    expect(again?.jobId).toBe('a0');
    state = withNews(again?.state ?? state, news('a0', 'a'), NOW);
    const twice = withNews(state, news('a0', 'a'), NOW);
    expect(twice).toEqual(state);
    expect(withoutEnded(twice).ended).toEqual(['a']);
  });
});

describe('a batch at a pool', () => {
  it('ends when every job has, those included that were cancelled before a pod had them', () => {
    let state = withBatch({ ...pool(), pods: [pod('1')] }, batch('a', 'ann', 4));
    state = given(state)?.state ?? state;
    state = withWithdrawn(state, 'a', 2);
    expect(waiting(state)).toBe(1);
    state = withoutNext(state, 'a', { over: 2, lost: 0 });
    expect(waiting(state)).toBe(1);
    state = withNews(state, news('a0', 'a'), NOW);
    expect(withoutEnded(state).ended).toEqual([]);
    const last = given(state);
    expect(last?.jobId).toBe('a3');
    state = withNews(last?.state ?? state, news('a3', 'a'), NOW);
    expect(withoutEnded(state).ended).toEqual(['a']);
    expect(needsLook(withoutEnded({ ...state, pods: [] }).state)).toBe(false);
  });

  it('is left out once one has failed, or once it cost enough, as it was asked', () => {
    const stop = withBatch(pool(), batch('a', 'ann', 4, { onError: 'stop' })).entries[0];
    const costly = withBatch(pool(), batch('a', 'ann', 4, { maxCost: 0.05 })).entries[0];
    if (!stop || !costly) throw new Error('no entry');
    expect(whyNotRun(stop, news('a0', 'a', { state: 'failed' }))).toEqual({ reason: 'onError', jobId: 'a0' });
    expect(whyNotRun(stop, news('a0', 'a', { state: 'cancelled' }))).toBeUndefined();
    expect(whyNotRun({ ...costly, usd: 0.04 }, news('a0', 'a'))).toBeUndefined();
    expect(whyNotRun({ ...costly, usd: 0.05 }, news('a0', 'a'))).toMatchObject({ reason: 'maxCost' });
    expect(whyNotRun(costly, news('a0', 'a', { usd: null }))).toMatchObject({
      reason: 'noPrice',
      podId: 'p',
    });
  });

  it('with a limit gives one job to begin with, and no more than would keep to it', () => {
    let state = withBatch({ ...pool(), pods: [pod('1'), pod('2')] }, batch('a', 'ann', 9, { maxCost: 0.03 }));
    state = given(state)?.state ?? state;
    expect(given(state)).toBeUndefined();
    state = withNews(state, news('a0', 'a', { usd: 0.01 }), NOW);
    let count = 0;
    for (let one = given(state); one; one = given(state)) {
      count += 1;
      ({ state } = one);
    }
    expect(count).toBe(2);
  });
});

describe('how many pods a pool has', () => {
  it.each([
    ['none without work', {}, 0, { jobs: 0, ms: 0 }, 0],
    ['its least without work', { min: 2 }, 0, { jobs: 0, ms: 0 }, 2],
    ['one for a job', {}, 1, { jobs: 0, ms: 0 }, 1],
    ['one each while no job has told how long it takes', {}, 3, { jobs: 0, ms: 0 }, 3],
    ['its most at most', {}, 100, { jobs: 0, ms: 0 }, 4],
    ['one for many that are short', {}, 50, { jobs: 10, ms: 20_000 }, 1],
    ['another for each so much work', {}, 50, { jobs: 10, ms: 60_000 }, 3],
    ['none at all where it may have none', { max: 0 }, 9, { jobs: 0, ms: 0 }, 0],
  ] as const)('is %s', (_, wish, jobs, ran, pods) => {
    const state = { ...pool(wish), ran };
    expect(wantedPods(jobs > 0 ? withBatch(state, batch('a', 'ann', jobs)) : state)).toBe(pods);
  });

  it('grows within its most, those included that are being ended', () => {
    const state = withBatch(
      { ...pool({ max: 3 }), pods: [pod('1'), pod('2', { standing: 'leaving' })] },
      batch('a', 'ann', 9),
    );
    expect(resized(state, NOW)).toEqual({ toMake: 1, toEnd: [] });
  });

  it('shrinks by a pod that had nothing to do for a while, and never by one with a job', () => {
    const busy = pod('1', {
      busyAt: 0,
      jobs: [{ jobId: 'a0', batchId: 'a', owner: 'ann', isAtComfy: false, chargedMs: 0 }],
    });
    const state = { ...pool(), pods: [busy, pod('2'), pod('3', { busyAt: NOW - 60_000 })] };
    expect(resized(state, NOW).toEnd).toEqual(['3']);
    expect(resized(state, NOW + 60_000).toEnd).toEqual(['3', '2']);
    expect(resized({ ...state, wish: { ...WISH, max: 0 } }, NOW).toEnd.toSorted()).toEqual(['2', '3']);
    expect(resized({ ...state, wish: { ...WISH, min: 3 } }, NOW + 60_000).toEnd).toEqual([]);
  });

  it('does not grow for a while once a pod could not be had, and tells why', () => {
    const state = withBatch({ ...pool(), pods: [pod('1', { standing: 'coming' })] }, batch('a', 'ann', 2));
    const failure = { code: 'gpuOutOfStock' as const, detail: {} };
    const looked = withLook(state, [seen('1', { state: 'failed', failure, standing: null })], NOW);
    expect(looked.toEnd).toEqual(['1']);
    expect(looked.state.trouble).toEqual({ failure, at: NOW });
    expect(resized(looked.state, NOW + 1_000).toMake).toBe(0);
    expect(resized(looked.state, NOW + 61_000).toMake).toBeGreaterThan(0);
  });
});

describe('a pool’s pod that is no more', () => {
  const job = { jobId: 'a0', batchId: 'a', owner: 'ann', isAtComfy: true, chargedMs: 0 };
  const state = withBatch({ ...pool(), pods: [pod('1', { jobs: [job] })] }, batch('a', 'ann'));

  it.each([
    ['stopped at RunPod', seen('1', { standing: 'stopped' }), ['1']],
    ['gone at RunPod', seen('1', { standing: 'gone' }), ['1']],
    ['stopped by a plan', seen('1', { state: 'stopped', standing: null }), ['1']],
    ['ended by somebody', seen('1', { podId: null, state: null, standing: null }), []],
  ])('%s gives its jobs back, once, and is forgotten when they are', (_, sight, toEnd) => {
    const looked = withLook(state, [sight], NOW + 120_000);
    expect(looked).toMatchObject({ back: ['a0'], toEnd });
    const again = withLook(looked.state, [sight], NOW + 121_000);
    expect(again).toMatchObject({ back: [], toEnd: [] });
    expect(nextJob(again.state)).toBeUndefined();
    const back = withNews(again.state, news('a0', 'a', { what: 'back', ranMs: null }), NOW);
    const gone = withLook(back, [seen('1', { podId: null, state: null, standing: null })], NOW + 122_000);
    expect(gone.state.pods).toEqual([]);
    expect(gone.state.returned).toEqual([{ jobId: 'a0', batchId: 'a' }]);
  });

  it('keeps its jobs while it only does not answer', () => {
    const looked = withLook(state, [seen('1', { standing: 'unreachable' })], NOW);
    expect(looked).toMatchObject({ back: [], toEnd: [] });
    expect(nextJob(withBatch(looked.state, batch('b', 'bob')))).toBeUndefined();
    expect(withLook(state, [], NOW).state).toEqual(state);
  });

  it('is waited for while it has no record yet, and not for ever', () => {
    const coming = withPod(state, '1', () => pod('1', { podId: null, standing: 'coming' }));
    const none = seen('1', { podId: null, state: null, standing: null });
    expect(withLook(coming, [none], NOW + 1_000).state.pods).toHaveLength(1);
    // It may still get one, when the server's disk has room again: then nobody would know of its pod.
    const later = withLook(coming, [none], NOW + 601_000);
    expect([later.state.pods, later.toEnd]).toEqual([[], [coming.pods[0]?.launchId]]);
  });
});
