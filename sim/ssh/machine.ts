/** How the pod's login shell behaves before it runs a command. */
export interface Shell {
  /** It hangs, or says something of its own first, or, forced, only says that and ends. */
  manner: 'plain' | 'hanging' | 'talking' | 'forced';
  /** Milliseconds until it begins. */
  delayMs: number;
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
  /** Lines of `comfyui.log`; null where there is no such file. */
  comfyLogFile: readonly string[] | null;
}
