import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Jobs } from '../src/jobs/jobs.ts';
import { openHome } from '../src/store/home.ts';
import { JobStore } from '../src/store/jobs.ts';
import { Journal } from '../src/store/journal.ts';
import { until } from '../test/support/until.ts';
import { keepBatch, startPods } from './job-work.ts';
import { diskOf, Quarters } from './measure.ts';

/** The part of `fleet-jobs.ts` that is done by this machine's own host, as its keeper does it: `jobs-locally.ts JOBS PODS`. */
const [jobsText, podsText] = process.argv.slice(2);
const [JOBS, PODS] = [Number(jobsText), Number(podsText)];
/** As the keeper looks. */
const LOOK_MS = 1_000;

const root = mkdtempSync(join(tmpdir(), 'ap-'));
const home = openHome(root);
const store = new JobStore(home);
const simulated = await startPods(PODS);
const jobs = new Jobs(
  {
    store,
    journal: new Journal(home.journal),
    pods: { ...simulated.pods, end: async () => undefined, stopAt: () => undefined },
    timings: { jobPollMs: 1_000, jobArrivalMs: 3_000 },
    log: () => undefined,
  },
  () => undefined,
);
const { batchId } = await keepBatch(store, home, JOBS, { podIds: simulated.podIds });
const before = diskOf(home.jobs);
const quarters = new Quarters(JOBS, { host: process.pid, ComfyUIs: simulated.child.pid });
await jobs.heed(batchId);
const looking = setInterval(() => jobs.look(), LOOK_MS);
await until(
  'all jobs are done',
  async () => {
    const { done } = (await jobs.view(batchId))?.counts ?? (await counted());
    await quarters.note(done, async () => ({}));
    return done >= JOBS;
  },
  7_200_000,
);
clearInterval(looking);
const made = await simulated.made();
process.send?.({ rows: quarters.rows, made, recordBytes: diskOf(home.jobs), before });
await jobs.stop();
rmSync(root, { recursive: true, force: true });
process.exit();

/** Once it is finished it is looked after no more. */
async function counted(): Promise<{ done: number }> {
  let done = 0;
  for await (const { snapshot } of store.ofBatch(batchId))
    if ((snapshot as { value: string }).value === 'done') done += 1;
  return { done };
}
