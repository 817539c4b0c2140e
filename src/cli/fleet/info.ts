import { fleetText } from '../text/fleet.ts';
import { planCell } from '../text/planned-stop.ts';
import { TUNNEL_STATE_WORDS } from '../text/states.ts';
import { momentOf } from '../text/time.ts';
import { uptimeWords } from '../text/uptime.ts';
import { text, totalWords, usd } from '../text.ts';
import type { Verb } from '../verb.ts';
import { panel } from '../views/panel.ts';
import { statusOf } from './ls.ts';
import { clientFor, podMeant } from './way.ts';

/** Everything about one pod of the fleet, and this machine's tunnel to it. */
export const info: Verb<object> = async (context, named) => {
  const { out, signal } = context;
  const pod = await clientFor(context).info(await podMeant(context, named));
  const tunnels = await (await context.keeper()).tunnels(signal);
  const tunnel = tunnels.find(({ podId }) => podId === pod.podId) ?? null;
  if (out.isJson) {
    out.json({ ...pod, tunnel });
    return 0;
  }
  const stops = pod.autoStop
    ? planCell(pod.autoStop, fleetText.server())
    : pod.stopAt && momentOf(new Date(pod.stopAt));
  const rows: [string, string][] = [
    ['Pod', `${pod.podId ?? '–'} (${pod.name})`],
    ['Owner', pod.owner],
    ['Status', statusOf(pod)],
    ...(pod.failure ? [['Failure', pod.failure.code] as [string, string]] : []),
    ['GPU', pod.gpu ? `${pod.gpuCount}x ${pod.gpu}` : 'none'],
    ['Where', pod.dataCenterId ?? 'not placed'],
    ['Image', pod.image],
    ['Cost', `${usd(pod.costPerHour)}, ${totalWords({ total: pod.spent, isAtLeast: pod.isSpentAtLeast })}`],
    ['Running', pod.uptimeSeconds > 0 ? uptimeWords(pod.uptimeSeconds) : 'no'],
    ...(stops ? [['Stops', stops] as [string, string]] : []),
    ['SSH', pod.ssh ? `${pod.ssh.user}@${pod.ssh.host} port ${pod.ssh.port}` : 'not ready'],
    ['Tunnel', tunnel ? `localhost:${tunnel.localPort}, ${TUNNEL_STATE_WORDS[tunnel.state]}` : 'none'],
  ];
  out.line(panel(text.podInformation(), rows, out.screen));
  return 0;
};
