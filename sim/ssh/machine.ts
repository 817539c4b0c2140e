import type { Guard } from './guard.ts';

/** How the pod's login shell behaves before it runs a command. */
export interface Shell {
  /** It hangs, or says something of its own first, or, forced, only says that and ends. */
  manner: 'plain' | 'hanging' | 'talking' | 'forced';
  /** Milliseconds until it begins. */
  delayMs: number;
}

/** What autopod is told when it asks whether a pod is in use: counts, and what three seconds brought. */
export interface Use {
  shells: number;
  copies: number;
  /** Hundredths of a second of processors. */
  ticks: number;
  bytes: number;
  /** Percent. */
  gpu: number;
}

/** What a command run in a pod can see of it. */
export interface Machine {
  podId: string;
  gpu: { id: string; count: number };
  /** GB per GPU. */
  gpuMemory: number;
  /** The environment of process 1. */
  env: Record<string, string>;
  shell: Shell;
  use: Use;
  /** Lines of `comfyui.log`; null where there is no such file. */
  comfyLogFile: readonly string[] | null;
  guard?: Guard;
  /** root's authorized_keys as it is now. */
  authorizedKeys?: string;
  changeKeys?: (text: string) => void;
}
