import type { Context } from '../context.ts';
import { clockTime } from '../text/detail.ts';
import { runText } from '../text/run.ts';
import { uptimeWords } from '../text/uptime.ts';

/** Says where a pod is to be stopped before its jobs can have ended; a batch extends nothing by itself. */
export async function warnOfDeadline(context: Context, podIds: string[], leftMs: number): Promise<boolean> {
  const records = Object.values(await (await context.pods()).all());
  for (const podId of podIds) {
    const stopAt = records.find(({ facts }) => facts.podId === podId)?.facts.autoStop?.stopAt;
    if (!stopAt || Date.parse(stopAt) > Date.now() + leftMs) continue;
    context.out.say(runText.deadlineFirst(podId, clockTime(stopAt), uptimeWords(leftMs / 1000)), 'warning');
    return true;
  }
  return false;
}
