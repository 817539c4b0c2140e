import { confirm } from '../asking/ask.ts';
import { choosePodOrLaunch } from '../choosing/pod-argument.ts';
import { spentJson, spentUntilNow } from '../money/spent.ts';
import { text } from '../text.ts';
import type { Verb } from '../verb.ts';
import { prose } from '../views/prose.ts';
import { reach, throwFailure } from '../waiting/reach.ts';

/** Ends a pod for good, after asking. Its record goes only when RunPod says the pod is gone (I13). */
export const kill: Verb<{ yes?: boolean }> = async (context, named, { yes }) => {
  const { recordId, podId, name } = await choosePodOrLaunch(context, named);
  const question = podId ? text.killQuestion(podId) : text.forgetQuestion(name);
  if (!yes && !(await confirm(context, `Ending ${podId ? `pod ${podId}` : `launch ${name}`}`, question))) {
    context.out.say(text.nothingDone());
    return 1;
  }
  const spent = podId ? await spentUntilNow(context, recordId, podId) : undefined;
  const outcome = await reach(context, recordId, 'terminated', {});
  if (outcome.failure?.code !== 'podGone') await throwFailure(context, outcome);
  const ended = outcome.podId ?? podId;
  if (context.out.isJson) context.out.json({ podId: ended, state: 'terminated', ...spentJson(spent) });
  else {
    const words = ended ? text.killed(ended, spent) : text.launchForgotten(name);
    context.out.line(prose(words, context.out.screen));
  }
  return 0;
};
