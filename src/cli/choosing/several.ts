import { AutopodError } from '../../errors.ts';
import type { PodRecord } from '../../lifecycle/pod-records.ts';
import { observePod } from '../../services/runpod/pod-state.ts';
import type { Context } from '../context.ts';
import { text, usd } from '../text.ts';
import { table } from '../views/table.ts';

/** Shows the pods that could be meant, so that one can be named; nothing where RunPod does not tell of them. */
export async function tellApart(context: Context, ids: string[]): Promise<void> {
  const { out } = context;
  const rows = out.isJson ? undefined : await rowsOf(context, ids);
  if (!rows) return;
  out.say(table(['POD', 'NAME', 'STATUS', 'GPU', 'RATE'], rows, out.wordsScreen, ['GPU']));
}

/**
 * What `choose` comes to; where several pods fit and there is a terminal, with the one of them that is picked there.
 * Throws `podNotChosen` where nobody can be asked, and `declined`.
 */
export async function pickingOne<T>(
  context: Context,
  named: string | undefined,
  choose: (named: string | undefined) => Promise<T>,
): Promise<T> {
  try {
    return await choose(named);
  } catch (error) {
    const { out } = context;
    const canAsk = process.stdin.isTTY && out.stderr.isTTY && !out.isJson;
    if (!(error instanceof AutopodError) || error.code !== 'podNotChosen' || !canAsk) throw error;
    return choose(await pick(context, error.detail.pods as string[]));
  }
}

async function pick(context: Context, ids: string[]): Promise<string> {
  const { select } = await import('@clack/prompts');
  const rows = (await rowsOf(context, ids)) ?? ids.map((id) => [id]);
  const options = rows.map(([id = '', ...about]) => ({ value: id, label: [id, ...about].join('  ') }));
  const answer = await context.deadline.pausedWhile(() =>
    select({ message: text.whichPod(), options, output: process.stderr, signal: context.signal }),
  );
  if (typeof answer !== 'string') throw new AutopodError('declined');
  return answer;
}

/** Undefined where RunPod does not say: the ids have to do. */
async function rowsOf(context: Context, ids: string[]): Promise<string[][] | undefined> {
  const { signal } = context;
  const listed = await context
    .runpod()
    .then((runpod) => runpod.listPods(signal))
    .catch(() => undefined);
  if (!listed) return undefined;
  const records = await (await context.pods()).all();
  return ids.map((id) => {
    const pod = listed.find((one) => one.id === id);
    if (!pod) return [id, nameOf(records, id), text.launchWithoutPod(), '–', '–'];
    const { gpuName, gpuCount, costPerHour } = observePod(pod);
    return [id, pod.name, pod.status, gpuName ? `${gpuCount}x ${gpuName}` : 'none', usd(costPerHour)];
  });
}

function nameOf(records: Record<string, PodRecord>, id: string): string {
  return Object.values(records).find(({ facts }) => facts.podId === id)?.facts.wish.name ?? id;
}
