import { describe, expect, it } from 'vitest';
import { batchPlanOf, batchUnderCrashes } from './batch-crash.ts';

const SEED = 20_26;
/** A sample; `npm run test:crash -- --batches --runs 100` does more. */
const RUNS = 3;

describe('a batch under crashes of keeper, ssh and ComfyUI ends with exactly one set of files for every job', () => {
  for (let run = 0; run < RUNS; run++) {
    const plan = batchPlanOf(SEED, run);
    it(`run ${run}: ${plan.pods} pods, ${JSON.stringify(plan.crashes)}`, { timeout: 240_000 }, async () => {
      await expect(batchUnderCrashes(plan)).resolves.toBeGreaterThanOrEqual(0);
    });
  }
});
