import { describe, expect, it } from 'vitest';
import { sample } from '../support/sample.ts';
import { launchUnderCrashes } from './crash.ts';
import { guardPlanOf, guardUnderCrashes } from './guard-crash.ts';
import { planOf } from './plans.ts';

const SEED = 20_26;
const RUNS = 12;
const GUARD_RUNS = 2;
/** A sample; `npm run test:crash -- --sweep` does every write. */
const SWEPT_WRITES = [2, 17, 9, 26];

describe('a launch that crashes, at random moments and at random writes, ends with one ready pod and leaves nothing', () => {
  for (const run of sample(4, [...Array(RUNS).keys()])) {
    const plan = planOf(SEED, run);
    it(`run ${run}: ${JSON.stringify(plan.crashes)}`, async () => {
      await expect(launchUnderCrashes(plan)).resolves.toBeGreaterThanOrEqual(0);
    });
  }
});

describe('a pod with --stop-after outlives its time by less than a minute, whatever is killed on our side', () => {
  for (const run of sample(1, [...Array(GUARD_RUNS).keys()])) {
    const plan = guardPlanOf(SEED, run);
    it(`run ${run}: ${JSON.stringify(plan)}`, async () => {
      await expect(guardUnderCrashes(plan)).resolves.toBeGreaterThanOrEqual(1);
    });
  }
});

describe('up killed at one of its writes ends with one ready pod all the same', () => {
  for (const write of sample(2, SWEPT_WRITES)) {
    for (const when of ['before', 'after'] as const) {
      it(`${when} write ${write}`, async () => {
        const plan = { crashes: [{ kind: 'atWrite', victim: 'cli.js', write, when } as const], scenario: {} };
        await expect(launchUnderCrashes(plan)).resolves.toBe(1);
      });
    }
  }
});
