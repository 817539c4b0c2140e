import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_GPUS } from '../../../sim/catalog/gpus.ts';
import type { GpuType } from '../../../src/services/runpod/client.ts';
import { resolveGpuNames } from '../../../src/services/runpod/gpu-names.ts';

const catalog = DEFAULT_GPUS as unknown as GpuType[];
const resolved = (name: string) => resolveGpuNames([name], catalog)[0]?.id;

describe('names as people type them', () => {
  const names: Record<string, string> = {
    'NVIDIA A40': 'NVIDIA A40',
    A40: 'NVIDIA A40',
    'RTX A40': 'NVIDIA A40',
    a40: 'NVIDIA A40',
    'RTX A4000': 'NVIDIA RTX A4000',
    'RTX A6000': 'NVIDIA RTX A6000',
    'rtx a6000': 'NVIDIA RTX A6000',
    rtx4090: 'NVIDIA GeForce RTX 4090',
    '4090': 'NVIDIA GeForce RTX 4090',
    'GeForce RTX 3090': 'NVIDIA GeForce RTX 3090',
    'nvidia-l40s': 'NVIDIA L40S',
  };
  for (const [name, id] of Object.entries(names)) {
    it(`“${name}” is ${id}`, () => expect(resolved(name)).toBe(id));
  }

  it('a name that fits several is refused with all of them', () => {
    expect(() => resolved('H100')).toThrow(expect.objectContaining({ code: 'gpuAmbiguous' }));
  });

  it('an unknown name is refused with near ones', () => {
    expect(() => resolved('RTX 4091')).toThrow(
      expect.objectContaining({
        code: 'gpuUnknown',
        detail: expect.objectContaining({ near: expect.arrayContaining(['NVIDIA GeForce RTX 4090']) }),
      }),
    );
    for (const name of ['', 'GPU', 'RTX', 'NVIDIA']) {
      expect(() => resolved(name)).toThrow(expect.objectContaining({ name: 'AutopodError' }));
    }
  });

  it('the order of preference is kept and a GPU named twice counts once', () => {
    expect(resolveGpuNames(['4090', 'A40', 'RTX 4090'], catalog).map(({ id }) => id)).toEqual([
      'NVIDIA GeForce RTX 4090',
      'NVIDIA A40',
    ]);
  });
});

it('every id and display name resolves to its own GPU, in any case', () => {
  for (const gpu of catalog) {
    expect(resolved(gpu.id)).toBe(gpu.id);
    expect(resolved(gpu.name)).toBe(gpu.id);
    expect(resolved(gpu.id.toLowerCase())).toBe(gpu.id);
  }
});

it('a part of a model number never matches the whole', () => {
  fc.assert(
    fc.property(fc.constantFrom(...catalog), fc.nat(), (gpu, cut) => {
      const number = /\d{3,}/.exec(gpu.name)?.[0];
      if (!number) return;
      const part = number.slice(0, 1 + (cut % (number.length - 1)));
      const name = gpu.name.replace(number, part);
      try {
        expect(resolved(name)).not.toBe(gpu.id);
      } catch (error) {
        expect(error).toMatchObject({ name: expect.stringMatching(/AutopodError/) });
      }
    }),
  );
});
