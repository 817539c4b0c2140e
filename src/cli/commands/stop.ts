import type { Pod } from '../../services/runpod/client.ts';
import { observePod } from '../../services/runpod/pod-state.ts';
import type { Spent } from '../../store/ledger.ts';
import { confirm } from '../asking/ask.ts';
import { choosePodOrLaunch } from '../choosing/pod-argument.ts';
import type { Context } from '../context.ts';
import { diskPerMonth, volumesBesides, volumesPerMonth } from '../money/silent.ts';
import { spentBy, spentJson } from '../money/spent.ts';
import { costsText } from '../text/costs.ts';
import { text } from '../text.ts';
import type { Verb } from '../verb.ts';
import { prose } from '../views/prose.ts';
import { reach, throwFailure } from '../waiting/reach.ts';

/** Stops a pod: compute is released, the network volume stays. */
export const stop: Verb<{ yes?: boolean }> = async (context, named, { yes }) => {
  const { out } = context;
  const { recordId, podId: before, name } = await choosePodOrLaunch(context, named);
  const pod = await podNow(context, before);
  const wasStopped = pod !== undefined && observePod(pod).condition === 'stopped';
  if (pod && !wasStopped && isWithoutVolume(pod) && !(await mayLose(context, pod.id, yes === true))) {
    out.say(text.nothingDone());
    return 1;
  }
  const spent = await spentBy(context, recordId, pod);
  const outcome = await reach(context, recordId, 'stopped', {});
  await throwFailure(context, outcome);
  const { podId, state } = outcome;
  const perMonth = await goesOnCosting(context, podId);
  const goesOn = costsText.goesOn(perMonth.disk, perMonth.volume);
  if (out.isJson) out.json({ podId, state, ...spentJson(spent), perMonth });
  else out.line(prose(told(podId, { name, wasStopped, spent }) + goesOn, out.screen));
  return 0;
};

function told(
  podId: string | null,
  { name, wasStopped, spent }: { name: string; wasStopped: boolean; spent: Spent | undefined },
): string {
  if (podId === null) return text.launchForgotten(name);
  return wasStopped ? text.stoppedAlready(podId) : text.stopped(podId, spent);
}

/** Undefined where there is none, or RunPod does not say. */
async function podNow(context: Context, podId: string | null): Promise<Pod | undefined> {
  if (podId === null) return undefined;
  return (await context.runpod()).getPod(podId, context.signal).catch(() => undefined);
}

/** Whether nothing of the pod outlives its stop. */
function isWithoutVolume(pod: Pod): boolean {
  return Object.values(pod.mounts ?? {}).every((mount) => !mount);
}

/** A script that stops a pod ends its costs; that is not held up by a question nobody answers. */
export async function mayLose(context: Context, podId: string, isAgreed: boolean): Promise<boolean> {
  const { out } = context;
  const canAsk = process.stdin.isTTY && out.stderr.isTTY && !out.isJson;
  if (isAgreed) return true;
  if (canAsk) return confirm(context, `Stopping pod ${podId}`, text.stopQuestion(podId));
  out.say(text.stopLoses(podId));
  return true;
}

/** USD a month for what stays of a stopped pod; 0 where RunPod does not tell. */
async function goesOnCosting(
  context: Context,
  podId: string | null,
): Promise<{ disk: number; volume: number }> {
  const pod = await podNow(context, podId);
  const volumeId = pod && observePod(pod).volume?.volumeId;
  const attached = volumeId === undefined ? [] : await volumesBesides(context);
  return {
    disk: pod ? diskPerMonth(pod) : 0,
    volume: volumesPerMonth(attached.filter(({ id }) => id === volumeId)),
  };
}
