import { describe, expect, it } from 'vitest';
import { sample } from '../support/sample.ts';
import { batchPlanOf, batchUnderCrashes } from './batch-crash.ts';

const SEED = 20_26;
/** A sample; `npm run test:crash -- --batches --runs 100` does more. */
const RUNS = 5;

describe('a batch under crashes of keeper, ssh and ComfyUI ends with exactly one set of files for every job', () => {
  for (const run of sample(3, [...Array(RUNS).keys()])) {
    const plan = batchPlanOf(SEED, run);
    it(`run ${run}: ${plan.pods} pods, ${JSON.stringify(plan.crashes)}`, async () => {
      await expect(batchUnderCrashes(plan)).resolves.toBeGreaterThanOrEqual(0);
    });
  }
});
