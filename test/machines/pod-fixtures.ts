import type { Candidate, Goal, PodContext, PodFacts } from '../../src/machines/pod-types.ts';

export const candidates: Candidate[] = ['NVIDIA A40', 'NVIDIA RTX A6000'].map((gpuId) => ({
  gpuId,
  gpuName: gpuId,
  cloud: 'SECURE',
  stock: 'HIGH',
  pricePerHour: 0.4,
}));

export function podFacts(changes: Partial<PodFacts> = {}): PodFacts {
  return {
    launchId: 'launch-1',
    launchedAt: 0,
    podId: null,
    wish: {
      name: 'autopod-test',
      image: 'runpod/comfyui:latest',
      gpuPreferences: ['A40'],
      gpuCount: 1,
      diskGb: 50,
      cloud: 'SECURE',
      volumeMount: '/workspace',
      exposedPorts: [],
    },
    access: { keepTunnel: true, localPort: 8188 },
    goal: 'ready',
    isCreateOpen: false,
    unansweredCreates: 0,
    bootToReplace: null,
    localPort: null,
    failure: null,
    ...changes,
  };
}

export function podContext(changes: Partial<PodContext> = {}): PodContext {
  return { ...podFacts(), plan: candidates, candidate: 0, refusals: [], readyBy: 1e15, ...changes };
}

export const goals: Goal[] = ['ready', 'stopped', 'terminated'];
