import { choosePod } from '../choosing/pod-argument.ts';
import { spentJson, spentUntilNow } from '../money/spent.ts';
import { isStopped } from '../state/is-stopped.ts';
import { text } from '../text.ts';
import type { Verb } from '../verb.ts';
import { prose } from '../views/prose.ts';
import { reach, throwFailure } from '../waiting/reach.ts';

/** Stops a pod: compute is released, the network volume stays. */
export const stop: Verb<object> = async (context, named) => {
  const { recordId, podId: before } = await choosePod(context, named);
  const wasStopped = await isStopped(context, before);
  const spent = await spentUntilNow(context, recordId, before);
  const outcome = await reach(context, recordId, 'stopped', {});
  await throwFailure(context, outcome);
  const podId = outcome.facts?.podId ?? '';
  if (context.out.isJson) context.out.json({ podId, state: outcome.state, ...spentJson(spent) });
  else
    context.out.line(
      prose(wasStopped ? text.stoppedAlready(podId) : text.stopped(podId, spent), context.out.screen),
    );
  return 0;
};
