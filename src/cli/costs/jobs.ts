import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Home } from '../../store/home.ts';

const shape = z.looseObject({
  id: z.string(),
  podId: z.string().nullish(),
  gpu: z.string().nullish(),
  seconds: z.number().nonnegative(),
  usd: z.number().nonnegative(),
  createdAt: z.string(),
});

/** What one job has cost, as its record says. */
export interface JobCost {
  id: string;
  podId: string | null;
  gpu: string | null;
  seconds: number;
  usd: number;
  /** Epoch milliseconds. */
  at: number;
}

/** Every job with a cost in `jobs/` of the home; none where there is no such folder. */
export async function jobCosts({ root }: Pick<Home, 'root'>): Promise<JobCost[]> {
  const folder = join(root, 'jobs');
  const names = await readdir(folder).catch(() => []);
  const texts = names
    .filter((name) => name.endsWith('.json'))
    .map((name) => readFile(join(folder, name), 'utf8').catch(() => ''));
  return (await Promise.all(texts)).flatMap(jobOf);
}

function jobOf(text: string): JobCost[] {
  try {
    const { id, podId = null, gpu = null, seconds, usd, createdAt } = shape.parse(JSON.parse(text));
    const at = Date.parse(createdAt);
    return Number.isNaN(at) ? [] : [{ id, podId, gpu, seconds, usd, at }];
  } catch {
    return [];
  }
}
