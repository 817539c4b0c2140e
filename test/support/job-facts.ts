import { UNBEGUN } from '../../src/jobs/unbegun.ts';
import type { BatchFacts, JobFacts } from '../../src/machines/job-types.ts';

export function jobFacts(changes: Partial<JobFacts> = {}): JobFacts {
  return {
    jobId: 'k3f9xw',
    name: 'portrait',
    batchId: 'k3f9xw',
    index: 0,
    createdAt: 0,
    prompt: 'a'.repeat(64),
    workflow: null,
    changes: [],
    seeds: {},
    inputs: [],
    titles: {},
    out: '/tmp/out',
    nameTemplate: '{date}-{job}-{node}-{n}.{ext}',
    withPreviews: false,
    ...UNBEGUN,
    ...changes,
  };
}

export function batchFacts(changes: Partial<BatchFacts> = {}): BatchFacts {
  return {
    batchId: 'k3f9xw',
    name: 'portrait',
    createdAt: 0,
    count: 1,
    podIds: ['p1'],
    onError: 'go-on',
    maxCost: null,
    // biome-ignore lint/suspicious/noThenProperty: no value with it is awaited as one that has a method of this name
    then: 'keep',
    rented: [],
    ...changes,
  };
}
