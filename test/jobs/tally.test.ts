import { describe, expect, it } from 'vitest';
import { Tally } from '../../src/jobs/tally.ts';
import { batchFacts, jobFacts } from '../support/job-facts.ts';

const ran = (jobId: string, usd: number | null) => jobFacts({ jobId, podId: 'p1', ranMs: 2_000, usd });

describe('what a batch may cost', () => {
  const batch = batchFacts({ count: 5, podIds: ['p1', 'p2'], maxCost: 1 });

  it('lets each pod have one job until one has told what it costs, and then as many as the rest pays for', () => {
    const tally = new Tally();
    expect([tally.mayBegin(batch, 1), tally.mayBegin(batch, 2)]).toEqual([true, false]);
    tally.add(ran('a', 0.3), 'done');
    expect([tally.mayBegin(batch, 2), tally.mayBegin(batch, 3)]).toEqual([true, false]);
    expect(tally.whyNotRun(batch)).toBeUndefined();
    for (const jobId of ['b', 'c', 'd']) tally.add(ran(jobId, 0.3), 'done');
    expect(tally.whyNotRun(batch)?.detail).toMatchObject({ reason: 'maxCost', usd: 1.2, maxCost: 1 });
  });

  it('runs no further job once a pod without a price has run one, unless any cost is welcome', () => {
    const tally = new Tally();
    tally.add(ran('a', null), 'done');
    expect(tally.whyNotRun(batch)?.detail).toEqual({ reason: 'noPrice', podId: 'p1', maxCost: 1 });
    expect(tally.whyNotRun({ ...batch, maxCost: null })).toBeUndefined();
  });
});
