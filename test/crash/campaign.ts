import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { type BatchPlan, batchPlanOf, batchUnderCrashes } from './batch-crash.ts';
import { type Crash, type CrashPlan, launchUnderCrashes } from './crash.ts';
import { type GuardPlan, guardPlanOf, guardUnderCrashes } from './guard-crash.ts';
import { planOf } from './plans.ts';

/**
 * `npm run test:crash -- --runs 300 --seed 7 [--from 0] [--jobs 2]`: random crashes. `--sweep`: one crash before and
 * one after each write of an `up`. `--batches`: batches of jobs in place of launches; `--guards`: pods with a time. Prints each failing plan and ends 1 if any failed.
 */
const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    jobs: { type: 'string', default: '2' },
    sweep: { type: 'boolean', default: false },
    batches: { type: 'boolean', default: false },
    guards: { type: 'boolean', default: false },
  },
});
execFileSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' });

const numbers = Array.from({ length: Number(values.runs) }, (_, index) => Number(values.from) + index);
const plans: Iterator<[string, CrashPlan | BatchPlan | GuardPlan]> = values.guards
  ? guards()
  : values.batches
    ? batches()
    : values.sweep
      ? sweep()
      : random();
const tally = { passed: 0, failed: 0, died: 0 };
/** Runs of a sweep in a row that no longer reached their write: the launch makes no more of them. */
let unreached = 0;

await Promise.all(Array.from({ length: Number(values.jobs) }, work));
process.stdout.write(`${tally.died} processes killed\n${tally.passed} passed, ${tally.failed} failed\n`);
process.exit(tally.failed === 0 ? 0 : 1);

async function work(): Promise<void> {
  for (let next = plans.next(); !next.done; next = plans.next()) {
    const [title, plan] = next.value;
    try {
      const died = await underCrashes(plan);
      tally.passed += 1;
      tally.died += died;
      unreached = died === 0 ? unreached + 1 : 0;
      process.stdout.write(`${title} ok, ${died} killed\n`);
    } catch (error) {
      tally.failed += 1;
      const reason = error instanceof Error ? error.message : error;
      process.stdout.write(`${title} FAILED ${JSON.stringify(plan)}\n  ${reason}\n`);
    }
  }
}

function* random(): Generator<[string, CrashPlan]> {
  for (const run of numbers) yield [`run ${run}`, planOf(Number(values.seed), run)];
}

function underCrashes(plan: CrashPlan | BatchPlan | GuardPlan): Promise<number> {
  if ('pods' in plan) return batchUnderCrashes(plan);
  return 'leaves' in plan ? guardUnderCrashes(plan) : launchUnderCrashes(plan);
}

function* guards(): Generator<[string, GuardPlan]> {
  for (const run of numbers) yield [`guard ${run}`, guardPlanOf(Number(values.seed), run)];
}

function* batches(): Generator<[string, BatchPlan]> {
  for (const run of numbers) yield [`batch ${run}`, batchPlanOf(Number(values.seed), run)];
}

function* sweep(): Generator<[string, CrashPlan]> {
  for (let write = 1; unreached < 6; write++) {
    for (const when of ['before', 'after'] as const) {
      const crash: Crash = { kind: 'atWrite', victim: 'cli.js', write, when };
      yield [`${when} write ${write}`, { crashes: [crash], scenario: {} }];
    }
  }
}
