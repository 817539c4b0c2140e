import type { FleetPod } from '../../fleet/wire.ts';
import { roundedUsd } from '../../store/ledger.ts';
import { fleetText } from '../text/fleet.ts';
import { uptimeWords } from '../text/uptime.ts';
import { spentCell, text, usd } from '../text.ts';
import type { Verb } from '../verb.ts';
import { table } from '../views/table.ts';
import { clientFor } from './way.ts';

/** Every pod of the fleet, and launches that may have one. */
export const ls: Verb<object> = async (context) => {
  const { out } = context;
  const pods = await clientFor(context).list();
  const totalPerHour = roundedUsd(pods.reduce((sum, { costPerHour }) => sum + costPerHour, 0));
  if (out.isJson) out.json({ pods, totalPerHour });
  else if (pods.length === 0) out.say(text.nothingListed());
  else {
    const head = ['POD', 'NAME', 'OWNER', 'STATUS', 'GPU', 'WHERE', 'RUNNING', 'SPENT', 'RATE'];
    out.line(table(head, pods.map(cellsOf), out.screen, ['WHERE', 'NAME']));
    for (const { podId, autoStop } of pods)
      if (podId && autoStop)
        out.say(fleetText.plannedStop(podId, autoStop), autoStop.overdue ? 'bad' : undefined);
    out.line(text.total(pods.length, usd(totalPerHour)));
  }
  return 0;
};

function cellsOf(pod: FleetPod): string[] {
  return [
    pod.podId ?? '–',
    pod.name,
    pod.owner,
    statusOf(pod),
    pod.gpu ? `${pod.gpuCount}x ${pod.gpu.replace(/^NVIDIA (GeForce )?/, '')}` : 'none',
    pod.dataCenterId ?? '–',
    pod.uptimeSeconds > 0 ? uptimeWords(pod.uptimeSeconds) : '–',
    spentCell(pod.spent, pod.isSpentAtLeast),
    usd(pod.costPerHour),
  ];
}

/** RunPod's word, and the fleet's where it says more. */
export function statusOf({ status, state, podId }: FleetPod): string {
  if (status === null) return podId === null ? text.launchWithoutPod() : state;
  return state === 'ready' ? status : `${status} (${state})`;
}
