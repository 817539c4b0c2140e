import { expect, it } from 'vitest';
import { gpuChoices } from '../../src/cli/asking/gpu-choices.ts';
import type { GpuType } from '../../src/services/runpod/client.ts';

const gpu = (id: string, name: string, secure: number) => ({ id, name, price: { secure } }) as GpuType;
const catalog = [
  gpu('NVIDIA A40', 'A40', 0.4),
  gpu('NVIDIA RTX A5000', 'RTX A5000', 0.3),
  gpu('NVIDIA L4', 'L4', 0.2),
];

it('who only presses Enter keeps the preferences, in their order and spelling', () => {
  const preferred = ['RTX A40', 'nvidia rtx a5000'];
  const { options, chosen } = gpuChoices(preferred, catalog);
  expect(chosen).toEqual(preferred);
  expect(options.map(({ value }) => value)).toEqual(['RTX A40', 'nvidia rtx a5000', 'L4']);
});

it('a preference RunPod does not offer now stays, and is told as such', () => {
  const { options, chosen } = gpuChoices(['RTX 9999'], catalog);
  expect(chosen).toEqual(['RTX 9999']);
  expect(options[0]).toEqual({
    value: 'RTX 9999',
    label: expect.stringMatching(/not offered/),
  });
});
