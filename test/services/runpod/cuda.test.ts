import { describe, expect, it } from 'vitest';
import { cudaFloor, isCudaFloor } from '../../../src/services/runpod/cuda.ts';

describe('the CUDA version an image needs', () => {
  it.each([
    ['runpod/comfyui:latest', '12.8'],
    ['runpod/comfyui', '12.8'],
    ['docker.io/runpod/comfyui:latest', '12.8'],
    ['runpod/comfyui:cuda12.8', '12.8'],
    ['runpod/comfyui:1.3.3-comfyuiv0.30.0-cuda12.8', '12.8'],
    ['runpod/comfyui:cuda13.0', '13.0'],
    ['runpod/comfyui:1.4.7-cuda13.0', '13.0'],
    ['runpod/comfyui:1.4.7-cuda13.0@sha256:0123', '13.0'],
  ])('%s: %s', (image, floor) => {
    expect(cudaFloor(undefined, image)).toBe(floor);
  });

  it.each([
    'runpod/comfyui:latest-5090',
    'runpod/comfyui:1.2.0',
    'runpod/comfyui:1.4.7@sha256:0123',
    'runpod/pytorch:latest',
    'somebody/comfyui:cuda12.8',
    'runpod/comfyui-extra:latest',
    'registry.example/runpod/comfyui:latest',
    'ubuntu',
  ])('%s: nothing is known, so any host will do', (image) => {
    expect(cudaFloor(undefined, image)).toBeUndefined();
  });

  it('what is asked for goes before what is known, and none lifts it', () => {
    expect(cudaFloor('12.4', 'runpod/comfyui:cuda13.0')).toBe('12.4');
    expect(cudaFloor('13.0', 'ubuntu')).toBe('13.0');
    expect(cudaFloor('none', 'runpod/comfyui:latest')).toBeUndefined();
  });
});

it.each(['12.8', '12.11', '13.0', 'none'])('%s can be asked for', (value) => {
  expect(isCudaFloor(value)).toBe(true);
});

it.each(['12', '12.', '.8', '12.8.1', '0.1', 'cuda12.8', ' 12.8', '12,8', '-1.0', 'any', '', '1e1.0'])(
  '“%s” cannot',
  (value) => {
    expect(isCudaFloor(value)).toBe(false);
  },
);
