import { confirm } from '../asking/ask.ts';
import { choosePod } from '../choosing/pod-argument.ts';
import { spentJson, spentUntilNow } from '../money/spent.ts';
import { text } from '../text.ts';
import type { Verb } from '../verb.ts';
import { prose } from '../views/prose.ts';
import { reach, throwFailure } from '../waiting/reach.ts';

/** Ends a pod for good, after asking. Its record goes only when RunPod says the pod is gone (I13). */
export const kill: Verb<{ yes?: boolean }> = async (context, named, { yes }) => {
  const { recordId, podId } = await choosePod(context, named);
  if (!yes && !(await confirm(context, `Ending pod ${podId}`, text.killQuestion(podId)))) {
    context.out.say(text.nothingDone());
    return 1;
  }
  const spent = await spentUntilNow(context, recordId, podId);
  const outcome = await reach(context, recordId, 'terminated', {});
  if (outcome.failure?.code !== 'podGone') await throwFailure(context, outcome);
  if (context.out.isJson) context.out.json({ podId, state: 'terminated', ...spentJson(spent) });
  else context.out.line(prose(text.killed(podId, spent), context.out.screen));
  return 0;
};
