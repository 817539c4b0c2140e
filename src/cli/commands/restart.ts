import { observePod } from '../../services/runpod/pod-state.ts';
import { accessChange, type WaitOptions } from '../arguments/wishes.ts';
import { choosePod } from '../choosing/pod-argument.ts';
import type { Verb } from '../verb.ts';
import { finishReady } from '../waiting/finish.ts';
import { reach } from '../waiting/reach.ts';

/** Restarts a pod and waits until ComfyUI answers again. Its container disk is wiped, its address changes. */
export const restart: Verb<WaitOptions> = async (context, named, options) => {
  const { recordId, podId } = await choosePod(context, named, { needsKey: true });
  const { bootId } = observePod(await (await context.runpod()).getPod(podId, context.signal));
  if (!options.tunnel) await (await context.keeper()).close(podId, context.signal);
  return finishReady(
    context,
    await reach(
      context,
      recordId,
      'ready',
      {},
      {
        ...accessChange(options),
        bootToReplace: bootId,
      },
    ),
    {},
  );
};
