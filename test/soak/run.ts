import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { soak } from './soak.ts';

/** `npm run test:soak -- --faults 100 --seed 1`: prints what came of it and ends 1 if a request was refused, or something grew or was left. */
const { values } = parseArgs({
  options: { faults: { type: 'string', default: '100' }, seed: { type: 'string', default: '1' } },
});
execFileSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' });
const tell = (line: string) => process.stdout.write(`${line}\n`);
const result = await soak({ faults: Number(values.faults), seed: Number(values.seed), tell });
tell(JSON.stringify(result, null, 2));
const isGood =
  result.probes.refused === 0 &&
  result.descriptorGrowth <= 4 &&
  result.residentGrowthMiB < 60 &&
  result.sshLeft <= 2;
process.exit(isGood ? 0 : 1);
