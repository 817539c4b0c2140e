import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { launchUnderCrashes } from './crash.ts';
import { planOf } from './plans.ts';

/** `npm run test:crash -- --runs 300 --seed 7 [--from 0] [--jobs 2]`: prints each failing plan and ends 1 if any failed. */
const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    jobs: { type: 'string', default: '2' },
  },
});
execFileSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' });
const numbers = Array.from({ length: Number(values.runs) }, (_, index) => Number(values.from) + index);
let failures = 0;

await Promise.all(
  Array.from({ length: Number(values.jobs) }, async () => {
    for (let run = numbers.shift(); run !== undefined; run = numbers.shift()) await attempt(run);
  }),
);
process.stdout.write(`${Number(values.runs) - failures} passed, ${failures} failed\n`);
process.exit(failures === 0 ? 0 : 1);

async function attempt(run: number): Promise<void> {
  const plan = planOf(Number(values.seed), run);
  try {
    await launchUnderCrashes(plan);
    process.stdout.write(`run ${run} ok\n`);
  } catch (error) {
    failures += 1;
    process.stdout.write(
      `run ${run} FAILED ${JSON.stringify(plan)}\n  ${error instanceof Error ? error.message : error}\n`,
    );
  }
}
