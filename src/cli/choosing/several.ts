import type { PodRecord } from '../../lifecycle/pod-records.ts';
import { observePod } from '../../services/runpod/pod-state.ts';
import type { Context } from '../context.ts';
import { text, usd } from '../text.ts';
import { table } from '../views/table.ts';

/** Shows the pods that could be meant, so that one can be named; nothing where RunPod does not tell of them. */
export async function tellApart(context: Context, ids: string[]): Promise<void> {
  const { out, signal } = context;
  const listed = await context
    .runpod()
    .then((runpod) => runpod.listPods(signal))
    .catch(() => undefined);
  if (out.isJson || !listed) return;
  const records = await (await context.pods()).all();
  const rows = ids.map((id) => {
    const pod = listed.find((one) => one.id === id);
    if (!pod) return [id, nameOf(records, id), text.launchWithoutPod(), '–', '–'];
    const { gpuName, gpuCount, costPerHour } = observePod(pod);
    return [id, pod.name, pod.status, gpuName ? `${gpuCount}x ${gpuName}` : 'none', usd(costPerHour)];
  });
  out.say(table(['POD', 'NAME', 'STATUS', 'GPU', 'RATE'], rows, out.wordsScreen, ['GPU']));
}

function nameOf(records: Record<string, PodRecord>, id: string): string {
  return Object.values(records).find(({ facts }) => facts.podId === id)?.facts.wish.name ?? id;
}
