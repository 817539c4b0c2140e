import type { TunnelView } from '../../keeper/client.ts';
import { type PodRecord, savedState } from '../../lifecycle/pod-records.ts';
import type { Pod } from '../../services/runpod/client.ts';
import { observePod } from '../../services/runpod/pod-state.ts';
import { spentThisRun, uptimeWords } from '../money.ts';
import { choosePod } from '../pod-argument.ts';
import { text, usd } from '../text.ts';
import type { Verb } from '../verb.ts';
import { panel } from '../views/panel.ts';

/** Everything about one pod: what RunPod says, what autopod does about it, and how to reach it. */
export const info: Verb<object> = async (context, named) => {
  const { out, signal } = context;
  const { recordId, podId } = await choosePod(context, named);
  const record = await (await context.pods()).get(recordId);
  const tunnels = await (await context.keeper()).tunnels(signal);
  const pod = await (await context.runpod()).getPod(podId, signal);
  const tunnel = tunnels.find((view) => view.podId === podId);
  const shown = describe(pod, record, tunnel);
  if (out.isJson) out.json(shown);
  else out.line(panel(text.podInformation(), rows(shown), out.hasColor));
  return 0;
};

function describe(pod: Pod, record: PodRecord | undefined, tunnel: TunnelView | undefined) {
  const seen = observePod(pod);
  return {
    podId: pod.id,
    name: pod.name,
    status: pod.status,
    state: record ? savedState(record) : null,
    failure: record?.facts.failure ?? null,
    gpu: seen.gpuName ?? null,
    gpuCount: seen.gpuCount,
    dataCenterId: seen.dataCenterId ?? null,
    cloud: pod.cloud ?? null,
    image: pod.image ?? null,
    costPerHour: seen.costPerHour,
    uptimeSeconds: seen.uptimeSeconds,
    spent: spentThisRun(seen),
    volume: seen.volume ?? null,
    ports: seen.ports,
    ssh: seen.ssh ?? null,
    tunnel: tunnel ?? null,
  };
}

function rows(shown: ReturnType<typeof describe>): [string, string][] {
  const { volume, ssh, tunnel, failure } = shown;
  const publicPorts = shown.ports.filter((port) => port !== '22/tcp');
  return [
    ['Pod', `${shown.podId} (${shown.name})`],
    ['Status', shown.state ? `${shown.status}, ${shown.state}` : shown.status],
    ...(failure ? [['Failure', failure.code] as [string, string]] : []),
    ['GPU', shown.gpu ? `${shown.gpuCount}x ${shown.gpu}` : 'none'],
    ['Where', `${shown.dataCenterId ?? 'not placed'}, ${shown.cloud ?? 'unknown'} cloud`],
    ['Image', shown.image ?? 'unknown'],
    ['Cost', `${usd(shown.costPerHour)}, $${shown.spent.toFixed(2)} in ${uptimeWords(shown.uptimeSeconds)}`],
    ['Volume', volume ? `${volume.volumeId} → ${volume.path}` : 'none'],
    [
      'Public',
      publicPorts.length > 0 ? publicPorts.map((port) => proxyUrl(shown.podId, port)).join(', ') : 'nothing',
    ],
    ['SSH', ssh ? `${ssh.user}@${ssh.host} port ${ssh.port}` : 'not ready'],
    ['Tunnel', tunnel ? `localhost:${tunnel.localPort}, ${tunnel.state}` : 'none'],
  ];
}

function proxyUrl(podId: string, port: string): string {
  return `https://${podId}-${port.split('/')[0]}.proxy.runpod.net`;
}
