import { AutopodError } from '../../errors.ts';
import type { GpuType } from './shapes.ts';

/** Words that makers put into names and people leave out. */
const VENDOR_WORDS = new Set(['nvidia', 'geforce', 'amd', 'instinct', 'rtx', 'tesla', 'quadro']);
const MAX_NEAR = 4;

/**
 * The catalogue's GPU types for names as people write them, in their order: by exact id, by exact display name,
 * then forgiving of case, spaces and vendor words. A part of a name never matches ("A40" is not an A4000).
 * Throws `gpuUnknown` with near names, or `gpuAmbiguous` with all that fit.
 */
export function resolveGpuNames(asked: string[], catalog: GpuType[]): GpuType[] {
  return [...new Set(asked.map((name) => resolve(name, catalog)))];
}

function resolve(name: string, catalog: GpuType[]): GpuType {
  const stages: ((gpu: GpuType) => boolean)[] = [
    (gpu) => gpu.id === name,
    (gpu) => gpu.name === name,
    (gpu) => squeezed(gpu.id) === squeezed(name) || squeezed(gpu.name) === squeezed(name),
    (gpu) => core(gpu.id) === core(name) || core(gpu.name) === core(name),
    (gpu) => hasAllWords(gpu, words(name)),
  ];
  for (const fits of stages) {
    const matches = catalog.filter(fits);
    if (matches.length > 1)
      throw new AutopodError('gpuAmbiguous', { name, matches: matches.map(({ id }) => id) });
    if (matches[0]) return matches[0];
  }
  throw new AutopodError('gpuUnknown', { name, near: nearNames(name, catalog) });
}

/** Lower case, nothing but letters and digits. */
function squeezed(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}

/** The words of a name without the makers', glued together: `NVIDIA GeForce RTX 4090` and `rtx4090` are `4090`. */
function core(name: string): string {
  return words(name).join('');
}

function words(name: string): string[] {
  return name
    .toLowerCase()
    .replaceAll(/\b(nvidia|geforce|amd|instinct|tesla|quadro|rtx)(?=\d|[a-z]\d)/g, '$1 ')
    .split(/[^a-z0-9]+/)
    .filter((word) => word && !VENDOR_WORDS.has(word));
}

function hasAllWords(gpu: GpuType, asked: string[]): boolean {
  const has = new Set([...words(gpu.id), ...words(gpu.name)]);
  return asked.length > 0 && asked.every((word) => has.has(word));
}

function nearNames(name: string, catalog: GpuType[]): string[] {
  // A maker's name alone is near to none more than to another.
  if (core(name) === '') return [];
  return catalog
    .map((gpu) => ({ id: gpu.id, distance: editDistance(core(name), core(gpu.name)) }))
    .toSorted((a, b) => a.distance - b.distance)
    .filter(({ distance }) => distance <= Math.max(2, core(name).length / 2))
    .slice(0, MAX_NEAR)
    .map(({ id }) => id);
}

/** Levenshtein distance. */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
