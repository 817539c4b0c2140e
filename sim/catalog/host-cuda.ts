/** Hosts that report other versions than those of their GPU type elsewhere, by GPU id and data center. */
export const DEFAULT_HOST_CUDA: Record<string, Record<string, string[]>> = {
  'NVIDIA GeForce RTX 3090': { 'US-WA-1': ['12.4'] },
};
