import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startSimulator } from '../../sim/simulator.ts';
import { Costs } from '../../src/fleet/costs/costs.ts';
import { apportioned, sharedOut } from '../../src/fleet/costs/shared-out.ts';
import { Seen } from '../../src/fleet/gateway/seen.ts';
import { openFleetHome } from '../../src/fleet/home.ts';
import { Owners } from '../../src/fleet/policy/owners.ts';
import type { PodRecordFacts } from '../../src/lifecycle/pod-records.ts';
import { createRunPod } from '../../src/services/runpod/client.ts';
import { RecordStore } from '../../src/store/records.ts';
import { tempHome } from '../support/temp-home.ts';

const usd = fc.double({ min: 0, max: 500, noNaN: true });
const person = fc.constantFrom('ann', 'bob', 'cleo', 'pool');
const podId = fc.constantFrom('p1', 'p2', 'p3', 'p4', 'elsewhere');
const pods = fc.uniqueArray(
  fc.record({
    podId,
    owner: fc.oneof(
      person,
      fc.constantFrom('art', 'ann').map((name) => `pool ${name}`),
    ),
    usd,
  }),
  { selector: (pod) => pod.podId, maxLength: 5 },
);
const jobs = fc.array(fc.record({ podId, owner: person, usd }), { maxLength: 30 });
const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);

describe('what pods have cost', () => {
  it('is given to people and pools to the last millionth, either way, and nobody gets less than nothing', () => {
    fc.assert(
      fc.property(pods, jobs, (costs, uses) => {
        const shares = sharedOut(costs, uses);
        const whole = sum(costs.map((pod) => Math.round(pod.usd * 1e6)));
        expect(sum(shares.map(({ all }) => all))).toBe(whole);
        expect(sum(shares.map(({ shared }) => shared))).toBe(whole);
        for (const share of shares) {
          expect(share.all).toBe(share.jobs + share.pods);
          expect(Math.min(share.jobs, share.pods, share.shared)).toBeGreaterThanOrEqual(0);
          // To be given a part of what pools cost by themselves makes nobody's share less.
          if (!share.isPool) expect(share.shared).toBeGreaterThanOrEqual(share.all);
        }
        const names = shares.map(({ name, isPool }) => `${isPool} ${name}`);
        expect(new Set(names).size).toBe(names.length);
      }),
      { numRuns: 300 },
    );
  });

  it('counts wholly for who had the pod made, whoever had jobs there', () => {
    fc.assert(
      fc.property(usd, jobs, (cost, uses) => {
        const shares = sharedOut([{ podId: 'p1', owner: 'ann', usd: cost }], uses);
        expect(shares).toMatchObject([{ name: 'ann', isPool: false, jobs: 0 }]);
      }),
    );
  });

  it('is parted as the weights go, each within one of its exact part', () => {
    const weights = fc
      .dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.nat(1_000_000))
      .filter((parts) => sum(Object.values(parts)) > 0);
    fc.assert(
      fc.property(fc.nat(100_000_000), weights, (whole, parts) => {
        const given = apportioned(whole, new Map(Object.entries(parts)));
        expect(sum([...given.values()])).toBe(whole);
        for (const [name, weight] of Object.entries(parts)) {
          const exact = (whole * weight) / sum(Object.values(parts));
          expect(Math.abs((given.get(name) ?? 0) - exact)).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});

describe('the costs of a fleet', () => {
  const past = (id: string, gpuPerHour: number) => ({
    podId: id,
    from: '2026-11-20T12:00:00Z',
    to: '2026-11-20T13:00:00Z',
    gpuPerHour,
  });
  const begin = async (more: object = {}) => {
    const billing = { past: [past('mine', 3), past('pooled', 2), past('stranger', 40)] };
    const simulator = await startSimulator({ apiKey: 'k', scenario: { billing, ...more } });
    onTestFinished(() => simulator.close());
    const home = openFleetHome(tempHome());
    const owners = new Owners(home);
    await owners.note('mine', 'ann');
    await owners.note('pooled', 'pool art');
    const runpod = createRunPod({ apiUrl: simulator.url, apiKey: 'k' });
    const records = new RecordStore<PodRecordFacts>({ path: home.pods, locks: home.locks });
    return new Costs({
      fleet: { home, runpod, owners, pods: records },
      seen: new Seen(runpod),
      jobs: {
        counts: async () => [{ name: 'bob', jobs: 2, done: 1, files: 3, seconds: 60 }],
        costs: async () => [{ podId: 'pooled', owner: 'bob', usd: 0.5 }],
      },
    });
  };
  const SINCE = Date.parse('2026-11-19T10:00:00Z');

  it('are what RunPod has booked of its own pods, and no others of the account', async () => {
    const told = await (await begin()).since(SINCE);
    expect(told).toMatchObject({
      since: '2026-11-19T00:00:00.000Z',
      usd: 5,
      isBookRead: true,
      people: [
        { name: 'ann', jobs: 0, jobsUsd: 0, podsUsd: 3, usd: 3, sharedUsd: 3 },
        { name: 'bob', jobs: 2, jobsUsd: 0.5, podsUsd: 0, usd: 0.5, sharedUsd: 2 },
      ],
      pools: [{ name: 'art', usd: 1.5, sharedUsd: 0 }],
    });
  });

  it('are told pod by pod as they are booked', async () => {
    const { pods: bills } = await (await begin()).bills(SINCE);
    expect(bills.map(({ id, total }) => [id, total]).toSorted()).toEqual([
      ['mine', 3],
      ['pooled', 2],
    ]);
  });

  it('are reckoned where the key may not see what is booked, and told so', async () => {
    const faults = [{ route: 'listPodBilling', kind: 'status', status: 403, times: 20 }];
    const told = await (await begin({ faults })).since(SINCE);
    expect(told).toMatchObject({ isBookRead: false, usd: 0 });
  });
});
