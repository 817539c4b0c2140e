import { toFailure } from '../../errors.ts';
import type { TunnelView } from '../../keeper/client.ts';
import { dropGone } from '../../lifecycle/gone.ts';
import type { PodRecord } from '../../lifecycle/pod-records.ts';
import type { Pod } from '../../services/runpod/client.ts';
import { costSighting, observePod } from '../../services/runpod/pod-state.ts';
import { USER_AGENT } from '../../services/runpod/user-agent.ts';
import { bookRun, spentUntil } from '../../store/ledger.ts';
import { toldPlan } from '../../store/plans.ts';
import { choosePod } from '../choosing/pod-argument.ts';
import type { Context } from '../context.ts';
import { toldState } from '../state/told-state.ts';
import { planCell } from '../text/planned-stop.ts';
import { TUNNEL_STATE_WORDS } from '../text/states.ts';
import { uptimeWords } from '../text/uptime.ts';
import { proofWords, text, totalWords, usd } from '../text.ts';
import type { Verb } from '../verb.ts';
import { panel } from '../views/panel.ts';

const ANSWER_MS = 3_000;

/** Everything about one pod: what RunPod says, what autopod does about it, and how to reach it. */
export const info: Verb<object> = async (context, named) => {
  const { out, signal } = context;
  const { recordId, podId } = await choosePod(context, named);
  const record = await (await context.pods()).get(recordId);
  const tunnels = await (await context.keeper()).tunnels(signal);
  const runpod = await context.runpod();
  const pod = await runpod.getPod(podId, signal).catch(async (error: unknown) => {
    const isUnknown = toFailure(error).code === 'podNotFound';
    if (isUnknown && record) await dropGone(await context.choosing(), [[recordId, record]], signal);
    throw error;
  });
  await bookRun(await context.pods(), costSighting(observePod(pod)), false);
  const tunnel = tunnels.find((view) => view.podId === podId);
  const shown = {
    ...describe(pod, record, tunnel),
    sshCommand: await sshCommand(context, pod),
    services: await services(context, pod, record),
  };
  if (out.isJson) out.json(shown);
  else {
    out.line(panel(text.podInformation(), rows(shown), out.screen));
    // Below the frame, where it can be copied whole.
    if (shown.sshCommand) out.line(shown.sshCommand);
  }
  return 0;
};

function describe(pod: Pod, record: PodRecord | undefined, tunnel: TunnelView | undefined) {
  const seen = observePod(pod);
  const spent = spentUntil(record?.facts.ledger, costSighting(seen));
  const plan = record && toldPlan(record.facts, seen);
  return {
    podId: pod.id,
    name: pod.name,
    status: pod.status,
    state: toldState(record, seen),
    failure: record?.facts.failure ?? null,
    gpu: seen.gpuName ?? null,
    gpuCount: seen.gpuCount,
    dataCenterId: seen.dataCenterId ?? null,
    cloud: pod.cloud ?? null,
    image: pod.image ?? null,
    costPerHour: seen.costPerHour,
    uptimeSeconds: seen.uptimeSeconds,
    spent: spent.total,
    spentThisRun: spent.run,
    isSpentAtLeast: spent.isAtLeast,
    autoStop: plan ?? null,
    volume: seen.volume ?? null,
    ports: seen.ports,
    hasSshPort: seen.hasSshPort,
    ssh: seen.ssh ?? null,
    tunnel: tunnel ?? null,
  };
}

/** What opens a shell on the pod without autopod; null until its sshd has an address. */
async function sshCommand(context: Context, pod: Pod): Promise<string | null> {
  const { ssh } = observePod(pod);
  if (!ssh) return null;
  const { privateKeyPaths } = await import('../../services/ssh/key.ts');
  const key = (await context.config()).sshKeyPath ?? (await privateKeyPaths(context.env))[0];
  const identity = key === undefined ? '' : `-i ${key.includes(' ') ? `'${key}'` : key} `;
  return `ssh -p ${ssh.port} ${identity}${ssh.user}@${ssh.host}`;
}

interface Service {
  port: string;
  label: string | null;
  url: string;
  isAnswering: boolean;
}

/** What of the pod is public, and whether it answers there. */
async function services(
  { signal }: Context,
  { id, ports }: Pod,
  record: PodRecord | undefined,
): Promise<Service[]> {
  const labels = new Map(record?.facts.wish.exposedPorts.map(({ port, label }) => [String(port), label]));
  const open = (ports ?? []).filter((port) => port.endsWith('/http'));
  return Promise.all(
    open.map(async (port) => {
      const number = port.split('/')[0] ?? '';
      const url = `https://${id}-${number}.proxy.runpod.net`;
      const isAnswering = await answersAt(url, signal);
      return { port, label: labels.get(number) ?? null, url, isAnswering };
    }),
  );
}

async function answersAt(url: string, signal: AbortSignal): Promise<boolean> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
  const headers = { 'user-agent': USER_AGENT };
  return fetch(url, { method: 'HEAD', headers, redirect: 'manual', signal: limit }).then(
    ({ status }) => status < 500,
    () => false,
  );
}

function rows(shown: ReturnType<typeof describe> & { services: Service[] }): [string, string][] {
  const { volume, tunnel, failure, autoStop } = shown;
  return [
    ['Pod', `${shown.podId} (${shown.name})`],
    ['Status', shown.state ? `${shown.status}, ${shown.state}` : shown.status],
    ...(failure ? [['Failure', failure.code] as [string, string]] : []),
    ['GPU', shown.gpu ? `${shown.gpuCount}x ${shown.gpu}` : 'none'],
    ['Where', `${shown.dataCenterId ?? 'not placed'}, ${shown.cloud ?? 'unknown'} cloud`],
    ['Image', shown.image ?? 'unknown'],
    ['Cost', costWords(shown)],
    ['Volume', volume ? `${volume.volumeId} → ${volume.path}` : 'none'],
    ...(shown.services.length > 0
      ? shown.services.map((service): [string, string] => ['Public', serviceWords(service)])
      : [['Public', 'nothing'] as [string, string]]),
    ['SSH', sshWords(shown)],
    ['Tunnel', tunnel ? `localhost:${tunnel.localPort}, ${TUNNEL_STATE_WORDS[tunnel.state]}` : 'none'],
    ...proofRow(tunnel),
    ...(autoStop ? [[autoStop.isForGood ? 'Ends' : 'Stops', planCell(autoStop)] as [string, string]] : []),
  ];
}

function sshWords({ ssh, hasSshPort }: Pick<ReturnType<typeof describe>, 'ssh' | 'hasSshPort'>): string {
  if (ssh) return `${ssh.user}@${ssh.host} port ${ssh.port}`;
  return hasSshPort ? 'not ready' : text.noSshPort();
}

function proofRow(tunnel: TunnelView | null): [string, string][] {
  const words = tunnel && proofWords(tunnel);
  return words ? [['Proof', words]] : [];
}

function costWords({
  costPerHour,
  uptimeSeconds,
  spent,
  spentThisRun,
  isSpentAtLeast,
}: ReturnType<typeof describe>): string {
  const run = `${usd(costPerHour)}, $${spentThisRun.toFixed(2)} in ${uptimeWords(uptimeSeconds)}`;
  if (spent === spentThisRun && !isSpentAtLeast) return run;
  return `${run}, ${totalWords({ total: spent, isAtLeast: isSpentAtLeast })}`;
}

function serviceWords({ port, label, url, isAnswering }: Service): string {
  return `${label ?? port} at ${url}, ${isAnswering ? 'answering' : 'no answer'}`;
}
