import { AutopodError } from '../../errors.ts';
import type { Outcome } from '../../lifecycle/drive.ts';
import { heldBy } from '../../lifecycle/replacement.ts';
import type { ReplacedPod } from '../../machines/pod-types.ts';
import type { Pod } from '../../services/runpod/client.ts';
import { observePod } from '../../services/runpod/pod-state.ts';
import type { Context } from '../context.ts';
import { spentUntilNow } from '../money/spent.ts';
import { replacementText } from '../text/replacement.ts';
import { usd } from '../text.ts';
import { reach, throwFailure } from './reach.ts';

/**
 * Ends the pod whose place this launch has taken: one of a full host when the launch is ready, one that can never work
 * in any case. Until that is done the record says so, and the next `up` does it. Does nothing twice.
 */
export async function endReplaced(
  context: Context,
  recordId: string,
  { state }: Pick<Outcome, 'state'>,
): Promise<void> {
  const pods = await context.pods();
  const replaces = (await pods.get(recordId))?.facts.replaces;
  if (!replaces) return;
  const isDue = state === 'ready' || (state === 'failed' && replaces.reason === 'broken');
  if (!isDue) return;
  // That pod may have taken another one's place before, and never have got ready.
  await endReplaced(context, replaces.recordId, { state });
  await end(context, replaces);
  await pods.update(
    recordId,
    (record) => record && { ...record, facts: { ...record.facts, replaces: null } },
  );
}

async function end(context: Context, replaced: ReplacedPod): Promise<void> {
  const { recordId, podId } = replaced;
  const { out } = context;
  const pod = await podOf(context, podId);
  const why = pod && whyKept(pod, replaced);
  if (why) {
    out.say(replacementText.kept(podId, why, usd(pod.cost ?? 0)));
    return;
  }
  const spent = pod && (await spentUntilNow(context, recordId, podId));
  const isKnown = (await (await context.pods()).get(recordId)) !== undefined;
  if (isKnown) {
    const outcome = await reach(context, recordId, 'terminated', {});
    if (outcome.failure?.code !== 'podGone') await throwFailure(context, outcome);
  } else if (pod) {
    await (await context.runpod()).terminatePod(podId, context.signal);
  }
  if (pod) out.say(replacementText.ended(podId, spent?.total));
}

/** Somebody may have started it meanwhile, or given it a disk: then it is theirs to end. */
function whyKept(
  pod: Pod,
  { reason }: ReplacedPod,
): 'runs' | 'ownDisk' | 'unknownMount' | 'notOurs' | undefined {
  const { condition, gpuCount } = observePod(pod);
  const isUsed = reason === 'hostFull' && condition !== 'stopped' && condition !== 'broken' && gpuCount > 0;
  return isUsed ? 'runs' : heldBy(pod);
}

async function podOf(context: Context, podId: string): Promise<Pod | undefined> {
  try {
    const pod = await (await context.runpod()).getPod(podId, context.signal);
    return observePod(pod).condition === 'gone' ? undefined : pod;
  } catch (error) {
    if (error instanceof AutopodError && error.code === 'podNotFound') return undefined;
    throw error;
  }
}
