import { observePod } from '../../services/runpod/pod-state.ts';
import { accessChange, type WaitOptions } from '../arguments/wishes.ts';
import { laterPodThan, laterPodWords, withLaterPod } from '../choosing/later-pod.ts';
import { choosePod } from '../choosing/pod-argument.ts';
import type { Context } from '../context.ts';
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
  if (!options.wait) return startOnly(context, podId);
  const current = await goOnWithSuccessor(context, recordId, podId);
  const outcome = await reachReady(context, current, options, accessChange(options));
  return finishReady(context, await withLaterPod(context, chosen, outcome), {});
};

/** A pod that runs, or comes up already, is as wished: asking twice changes nothing. */
async function startOnly(context: Context, podId: string): Promise<number> {
  const { out, signal } = context;
  const runpod = await context.runpod();
  const { condition } = observePod(await runpod.getPod(podId, signal));
  const isUp = condition === 'running' || condition === 'pending';
  if (!isUp) await runpod.act(podId, 'start', signal);
  if (out.isJson) out.json({ podId, state: 'starting' });
  else out.line(isUp ? text.startedAlready(podId) : text.starting(podId));
  return 0;
}
