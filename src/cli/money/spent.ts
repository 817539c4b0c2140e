import type { Pod } from '../../services/runpod/client.ts';
import { costSighting, observePod } from '../../services/runpod/pod-state.ts';
import { type Spent, spentUntil } from '../../store/ledger.ts';
import type { Context } from '../context.ts';

/** What a pod has cost until now; undefined when RunPod does not say, or nothing was spent. */
export async function spentUntilNow(
  context: Context,
  recordId: string,
  podId: string,
): Promise<Spent | undefined> {
  const pod = await (await context.runpod()).getPod(podId, context.signal).catch(() => undefined);
  return spentBy(context, recordId, pod);
}

/** The same, of a pod that was just read. */
export async function spentBy(
  context: Context,
  recordId: string,
  pod: Pod | undefined,
): Promise<Spent | undefined> {
  const record = await (await context.pods()).get(recordId);
  const spent = pod && spentUntil(record?.facts.ledger, costSighting(observePod(pod)));
  return spent && spent.total > 0 ? spent : undefined;
}

/** As `--json` shows it. */
export function spentJson(spent: Spent | undefined) {
  return {
    spent: spent?.total ?? null,
    spentThisRun: spent?.run ?? null,
    isSpentAtLeast: spent?.isAtLeast ?? false,
  };
}
