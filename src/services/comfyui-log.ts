import { AutopodError } from '../errors.ts';

const CRASHED = /\bComfyUI crashed\b/i;
const DRIVER_TOO_OLD = /NVIDIA driver on your system is too old|CUDA driver version is insufficient/i;
const NO_KERNEL = /no kernel image is available/i;
const UP = /To see the GUI go to|All startup tasks have been completed/i;
const LAST_LINES = 12;

/**
 * What the log of a boot says of its ComfyUI. The image of 1.3.0 runs ComfyUI in the foreground of the container and sleeps
 * on when it dies: the pod is RUNNING, its sshd answers, and nothing but the log tells.
 */
export class ComfyLog {
  readonly #last: string[] = [];
  #gpu: { cause: 'driver' | 'architecture'; line: string; saidAt: number } | undefined;
  #isCrashed = false;
  /** Whether ComfyUI has said that it is up. */
  hasBeenUp = false;

  read(line: string): void {
    if (UP.test(line)) {
      this.hasBeenUp = true;
      this.#gpu = undefined;
      this.#isCrashed = false;
    }
    if (CRASHED.test(line)) this.#isCrashed = true;
    else if (line.trim() !== '') this.#last.push(line);
    if (this.#last.length > LAST_LINES) this.#last.shift();
    const cause = DRIVER_TOO_OLD.test(line) ? 'driver' : NO_KERNEL.test(line) ? 'architecture' : undefined;
    if (cause) this.#gpu ??= { cause, line: line.trim(), saidAt: performance.now() };
  }

  /**
   * Why ComfyUI will not answer in this boot; undefined as long as it may. A complaint about the GPU counts with the crash,
   * or when ComfyUI has not answered for `doubtMs` after it: a custom node may complain and go on.
   */
  verdict(podId: string, doubtMs: number): AutopodError | undefined {
    const isGpuToBlame =
      this.#gpu && (this.#isCrashed || performance.now() - this.#gpu.saidAt >= doubtMs)
        ? this.#gpu
        : undefined;
    if (isGpuToBlame) {
      const { cause, line } = isGpuToBlame;
      return new AutopodError('gpuUnusable', { podId, cause, line });
    }
    return this.#isCrashed ? new AutopodError('comfyCrashed', { podId, lines: [...this.#last] }) : undefined;
  }
}
