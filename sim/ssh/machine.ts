import type { LogBook } from '../world/log-book.ts';

/** What a command run in a pod can see of it. */
export interface Machine {
  podId: string;
  gpu: { id: string; count: number };
  /** GB per GPU. */
  gpuMemory: number;
  log: LogBook;
}
