import type { Scenario } from '../scenario.ts';
import type { PodSpec } from './pod.ts';

/** A pod that autopod did not make. */
export function bystanderSpec({ gpus, dataCenters }: Scenario, index: number): PodSpec {
  return {
    name: `bystander-${index}`,
    image: 'runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404',
    args: '',
    disk: 20,
    env: {},
    ports: [],
    registry: null,
    mounts: {},
    gpu: { id: gpus[0]?.id ?? 'NVIDIA A40', count: 1 },
    cloud: 'SECURE',
    dataCenterId: dataCenters[0]?.id ?? 'US-GA-1',
    cudaVersion: null,
    globalNetworking: false,
  };
}
