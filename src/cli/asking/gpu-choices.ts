import type { GpuType } from '../../services/runpod/client.ts';
import { resolveGpuNames } from '../../services/runpod/gpu-names.ts';
import { text } from '../text.ts';

export interface GpuChoices {
  options: { value: string; label: string }[];
  /** What is chosen before anybody has answered. */
  chosen: string[];
}

/**
 * The GPUs to choose from: the preferred ones first, in their order and as they are written, so that who changes
 * nothing gets the same list back; then the others, the cheapest first.
 */
export function gpuChoices(preferred: string[], catalog: GpuType[]): GpuChoices {
  const offered = catalog.filter(({ price }) => price.secure);
  const known = preferred.map((name) => ({ name, gpu: resolved(name, offered) }));
  const taken = new Set(known.map(({ gpu }) => gpu));
  const others = offered
    .filter((gpu) => !taken.has(gpu))
    .toSorted((a, b) => (a.price.secure ?? 0) - (b.price.secure ?? 0))
    .map((gpu) => ({ name: gpu.name, gpu }));
  return {
    options: [...known, ...others].map(({ name, gpu }) => ({
      value: name,
      label: `${name} (${hintFor(gpu)})`,
    })),
    chosen: preferred,
  };
}

/** None where the name fits no GPU, or several. */
function resolved(name: string, offered: GpuType[]): GpuType | undefined {
  try {
    return resolveGpuNames([name], offered)[0];
  } catch {
    return undefined; // it is offered as it is written
  }
}

function hintFor(gpu: GpuType | undefined): string {
  if (!gpu) return text.wizardGpuUnknown();
  return text.wizardGpuHint(gpu.memory ?? undefined, gpu.price.secure ?? 0, gpu.availability ?? 'NONE');
}
