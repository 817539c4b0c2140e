import { Jobs } from '../jobs/jobs.ts';
import type { Home } from '../store/home.ts';
import { JobStore } from '../store/jobs.ts';
import type { Journal } from '../store/journal.ts';
import { type JobPodsOptions, KeeperPods } from './job-pods.ts';
import type { KeeperTimings } from './timings.ts';

interface KeeperJobsOptions extends Omit<JobPodsOptions, 'configPath' | 'onNews'> {
  home: Home;
  journal: Journal;
  timings: KeeperTimings;
  /** Told when there is a batch to be looked after, or none any more. */
  onChange: () => void;
}

/** The batches of a keeper, and its pods as they see them. */
export function keeperJobs(options: KeeperJobsOptions): { pods: KeeperPods; jobs: Jobs } {
  const { home, journal, timings, log, onChange } = options;
  const pods = new KeeperPods({ ...options, configPath: home.config, onNews: () => jobs.look() });
  const store = new JobStore(home, (from, to) => log(`${from} is unreadable, kept as ${to}`));
  const jobs = new Jobs({ store, journal, pods, timings, log }, onChange);
  return { pods, jobs };
}
