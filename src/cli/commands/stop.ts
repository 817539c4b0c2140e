import type { Spent } from '../../store/ledger.ts';
import { choosePodOrLaunch } from '../choosing/pod-argument.ts';
import { spentJson, spentUntilNow } from '../money/spent.ts';
import { isStopped } from '../state/is-stopped.ts';
import { text } from '../text.ts';
import type { Verb } from '../verb.ts';
import { prose } from '../views/prose.ts';
import { reach, throwFailure } from '../waiting/reach.ts';

/** Stops a pod: compute is released, the network volume stays. */
export const stop: Verb<object> = async (context, named) => {
  const { out } = context;
  const { recordId, podId: before, name } = await choosePodOrLaunch(context, named);
  const wasStopped = before !== null && (await isStopped(context, before));
  const spent = before ? await spentUntilNow(context, recordId, before) : undefined;
  const outcome = await reach(context, recordId, 'stopped', {});
  await throwFailure(context, outcome);
  const { podId, state } = outcome;
  if (out.isJson) out.json({ podId, state, ...spentJson(spent) });
  else out.line(prose(told(podId, { name, wasStopped, spent }), out.screen));
  return 0;
};

function told(
  podId: string | null,
  { name, wasStopped, spent }: { name: string; wasStopped: boolean; spent: Spent | undefined },
): string {
  if (podId === null) return text.launchForgotten(name);
  return wasStopped ? text.stoppedAlready(podId) : text.stopped(podId, spent);
}
