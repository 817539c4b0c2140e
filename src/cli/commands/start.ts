import type { Note } from '../../lifecycle/environment.ts';
import { rateWhenRunning } from '../../lifecycle/rate.ts';
import { observePod } from '../../services/runpod/pod-state.ts';
import { accessChange, type WaitOptions } from '../arguments/wishes.ts';
import { laterPodThan, laterPodWords, withLaterPod } from '../choosing/later-pod.ts';
import { choosePod } from '../choosing/pod-argument.ts';
import type { Context } from '../context.ts';
import { planDefaults } from '../money/plan-defaults.ts';
import { schedule } from '../money/schedule.ts';
import { isStopped } from '../state/is-stopped.ts';
import { noteWords } from '../text/notes.ts';
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
  const current = options.wait ? await goOnWithSuccessor(context, recordId, podId) : recordId;
  const keepsTunnel = options.tunnel && options.wait;
  await schedule(context, current, await planDefaults(context, current, { isFresh: false, keepsTunnel }));
  if (!options.wait) return startOnly(context, podId);
  const outcome = await reachReady(context, current, options, accessChange(options));
  return finishReady(context, await withLaterPod(context, chosen, outcome), {});
};

/** A pod that runs, or comes up already, is as wished: asking twice changes nothing. */
async function startOnly(context: Context, podId: string): Promise<number> {
  const { out, signal } = context;
  const { maxPerLaunch } = await context.limits();
  // A plan needs it, and the pod is not started before.
  if (maxPerLaunch !== undefined) await context.privateKey();
  const tell = (note: Note) => out.say(noteWords(note));
  const { env } = await context.driving({ onState: () => undefined, tell });
  const seen = observePod(await env.runpod.getPod(podId, signal));
  const isUp = seen.condition === 'running' || seen.condition === 'pending';
  if (!isUp) {
    const costPerHour = await rateWhenRunning(env.runpod, seen, signal);
    await env.spend({ podId, costPerHour }, signal, () => env.runpod.act(podId, 'start', signal));
    await env.limitLaunch(podId, signal);
  }
  if (out.isJson) out.json({ podId, state: 'starting' });
  else out.line(isUp ? text.startedAlready(podId) : text.starting(podId));
  return 0;
}
