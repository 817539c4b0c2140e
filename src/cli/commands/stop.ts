import { choosePod } from '../pod-argument.ts';
import { reach, throwFailure } from '../reach.ts';
import { spentUntilNow } from '../spent.ts';
import { text } from '../text.ts';
import type { Verb } from '../verb.ts';

/** Stops a pod: compute is released, the network volume stays. */
export const stop: Verb<object> = async (context, named) => {
  const { recordId, podId: before } = await choosePod(context, named);
  const spent = await spentUntilNow(context, before);
  const outcome = await reach(context, recordId, 'stopped', { timeout: Number.POSITIVE_INFINITY });
  await throwFailure(context, outcome);
  const podId = outcome.facts?.podId ?? '';
  if (context.out.isJson) context.out.json({ podId, state: outcome.state, spent: spent ?? null });
  else context.out.line(text.stopped(podId, spent));
  return 0;
};
