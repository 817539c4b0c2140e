import type { JobOutput } from '../../machines/job-types.ts';
import { fileShape, type HistoryEntry } from './shapes.ts';

/**
 * The files among what the nodes of a prompt tell, each once, in the order of the nodes' ids. Those of the input folder
 * are left out: they were not made, only shown.
 */
export function filesIn(outputs: HistoryEntry['outputs']): JobOutput[] {
  const seen = new Set<string>();
  return Object.entries(outputs).flatMap(([nodeId, kinds]) => {
    const files = Object.values(kinds).flatMap((kind) => (Array.isArray(kind) ? kind : []));
    return files
      .flatMap((file) => fileShape.safeParse(file).data ?? [])
      .map(({ filename, subfolder, type }, n): JobOutput => {
        const where = { filename, subfolder: subfolder ?? '', type };
        return { nodeId, n, ...where, path: null, bytes: null, sha256: null };
      })
      .filter(({ filename, subfolder, type }) => {
        if (type === 'input') return false;
        const key = JSON.stringify([type, subfolder, filename]);
        if (seen.has(key)) return false;
        seen.add(key);
        return true;
      });
  });
}
