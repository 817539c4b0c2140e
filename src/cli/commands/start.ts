import { accessChange, type WaitOptions } from '../arguments/wishes.ts';
import { laterPodThan, laterPodWords, withLaterPod } from '../choosing/later-pod.ts';
import { choosePod } from '../choosing/pod-argument.ts';
import { isStopped } from '../state/is-stopped.ts';
import { text } from '../text.ts';
import type { Verb } from '../verb.ts';
import { finishReady } from '../waiting/finish.ts';
import { goOnWithSuccessor, type ReplaceOptions, reachReady } from '../waiting/replacing.ts';

/** Starts a stopped pod and waits until ComfyUI answers; with `--no-wait` until RunPod accepts. */
export const start: Verb<WaitOptions & ReplaceOptions & { wait: boolean }> = async (
  context,
  named,
  options,
) => {
  const chosen = await choosePod(context, named, { needsKey: options.wait });
  const { recordId, podId } = chosen;
  const later = await laterPodThan(context, chosen);
  if (later) context.out.say(laterPodWords(later));
  if (await isStopped(context, podId)) context.out.say(text.startWarning());
  if (!options.wait) {
    await (await context.runpod()).act(podId, 'start', context.signal);
    if (context.out.isJson) context.out.json({ podId, state: 'starting' });
    else context.out.line(text.starting(podId));
    return 0;
  }
  const current = await goOnWithSuccessor(context, recordId, podId);
  const outcome = await reachReady(context, current, options, accessChange(options));
  return finishReady(context, await withLaterPod(context, podId, outcome), {});
};
