import type { JobFacts, JobOutput } from '../../../src/machines/job-types.ts';

export function output(changes: Partial<JobOutput> = {}): JobOutput {
  return {
    nodeId: '9',
    n: 0,
    filename: 'ComfyUI_00001_.png',
    subfolder: '',
    type: 'output',
    path: null,
    bytes: null,
    sha256: null,
    ...changes,
  };
}

export function facts(changes: Partial<JobFacts> = {}): JobFacts {
  return {
    jobId: 'k3f9xw',
    name: 'portrait.json',
    batchId: 'b2',
    index: 4,
    createdAt: Date.parse('2026-11-27T12:00:00Z'),
    prompt: 'p'.repeat(64),
    workflow: null,
    changes: ['3.seed=7'],
    seeds: { '3.seed': '18446744073709551615' },
    inputs: [],
    titles: { '9': 'Save Image' },
    out: '/out',
    nameTemplate: '{job}-{node}-{n}.{ext}',
    withPreviews: false,
    podId: 'pod1',
    submissions: [{ podId: 'pod1', promptId: 'prompt-1', sentAt: 1 }],
    outputs: [],
    ranMs: 7_200,
    startedAt: null,
    endedAt: null,
    usd: null,
    ranOn: { podId: 'pod1', gpu: 'NVIDIA L4', pricePerHour: 0.5, comfyui: '0.33.0' },
    asked: null,
    failure: null,
    ...changes,
  };
}
