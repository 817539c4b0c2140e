import { describe, expect, it } from 'vitest';
import { launchUnderCrashes } from './crash.ts';
import { planOf } from './plans.ts';

const SEED = 20_26;
const RUNS = 12;

describe('a launch that crashes, at random moments and at random writes, ends with one ready pod and leaves nothing', () => {
  for (let run = 0; run < RUNS; run++) {
    const plan = planOf(SEED, run);
    it(`run ${run}: ${JSON.stringify(plan.crashes)}`, { timeout: 120_000 }, async () => {
      await expect(launchUnderCrashes(plan)).resolves.toBeUndefined();
    });
  }
});
