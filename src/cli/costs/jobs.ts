import type { Home } from '../../store/home.ts';
import { JobStore } from '../../store/jobs.ts';

/** What one job has cost, as its record says. */
export interface JobCost {
  id: string;
  podId: string | null;
  gpu: string | null;
  usd: number;
  /** Epoch milliseconds: when it began to run, where that is known. */
  at: number;
}

/** Every job of the home that has cost something. */
export async function jobCosts(home: Home): Promise<JobCost[]> {
  const costs: JobCost[] = [];
  for await (const { facts } of new JobStore(home).all()) {
    const { jobId: id, podId, ranOn, usd, startedAt, createdAt } = facts;
    if (usd === null) continue;
    costs.push({
      id,
      podId: ranOn?.podId ?? podId,
      gpu: ranOn?.gpu ?? null,
      usd,
      at: startedAt ?? createdAt,
    });
  }
  return costs;
}
