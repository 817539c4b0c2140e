import { AutopodError } from '../errors.ts';
import type { Pod, RunPod } from '../services/runpod/client.ts';
import { aboutHolder, type Lock, lockHolder } from '../store/lock.ts';
import type { Environment } from './environment.ts';

/** Milliseconds for the end of a pod that nobody will know of. */
const UNDO_MS = 60_000;

/** Throws `podTakenOver` once another process has the lease of the pod we drive. */
export type Fence = () => Promise<void>;

export function fenceOf(lease: Lock, folder: string, recordId: string): Fence {
  return async () => {
    if (!(await lease.isTaken())) return;
    const holder = await lockHolder(folder).catch(() => undefined);
    throw new AutopodError('podTakenOver', { recordId, ...(holder && aboutHolder(holder)) });
  };
}

export interface Fenced {
  env: Environment;
  /** Resolves when no create is under way. */
  created: () => Promise<unknown>;
}

/**
 * The environment of a driver that may have been suspended at any moment: it looks whether the lease is still its own
 * right before all that changes something. A create that was under way when it was suspended is undone.
 */
export function fenced(env: Environment, fence: Fence): Fenced {
  const { runpod, keeper } = env;
  let creating: Promise<unknown> = Promise.resolve();
  const behind =
    <Args extends unknown[], Result>(effect: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      await fence();
      return effect(...args);
    };
  const isolated = {
    ...env,
    runpod: {
      ...runpod,
      act: behind(runpod.act),
      terminatePod: behind(runpod.terminatePod),
      createPod: behind((...args: Parameters<RunPod['createPod']>) => {
        const created = createUnlessTaken(runpod, fence, args);
        creating = created.catch(() => undefined);
        return created;
      }),
    },
    keeper: { ...keeper, open: behind(keeper.open), close: behind(keeper.close) },
  };
  return { env: isolated, created: () => creating };
}

async function createUnlessTaken(
  runpod: RunPod,
  fence: Fence,
  args: Parameters<RunPod['createPod']>,
): Promise<Pod> {
  const pod = await runpod.createPod(...args);
  try {
    await fence();
  } catch (error) {
    // Whoever took over has looked for it already, and may not look again.
    await runpod.terminatePod(pod.id, AbortSignal.timeout(UNDO_MS));
    throw error;
  }
  return pod;
}
