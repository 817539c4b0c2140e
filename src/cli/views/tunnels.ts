import type { TunnelView } from '../../keeper/client.ts';
import type { TunnelState } from '../../machines/tunnel.ts';
import type { Screen, Tone } from '../output/screen.ts';
import { planCell } from '../text/planned-stop.ts';
import { TUNNEL_STATE_WORDS } from '../text/states.ts';
import { timeOf } from '../text/time.ts';
import { uptimeWords } from '../text/uptime.ts';
import { proofWords, text } from '../text.ts';
import { panel, type Row } from './panel.ts';
import { table } from './table.ts';

/** A tunnel with what its pod is called; null where no record tells. */
export type NamedTunnel = TunnelView & { name: string | null };

const TONES: Record<TunnelState, Tone | undefined> = {
  starting: 'warning',
  healthy: 'good',
  dead: 'warning',
  recreating: 'warning',
  waitingForPod: 'warning',
  failed: 'bad',
  stopping: undefined,
  stopped: undefined,
};

const COMFY_TONES = { answering: 'good', down: 'bad', other: 'bad', unknown: undefined } as const;

/** All that is known of one tunnel. */
export function tunnelPanel(view: NamedTunnel, screen: Screen | undefined): string {
  const { podId, state, since, localPort, address, comfy, failure, lastDeath, lastHealedAt } = view;
  const traffic = `${size(view.bytesIn)} in, ${size(view.bytesOut)} out`;
  const rows: Row[] = [
    [
      'State',
      `${TUNNEL_STATE_WORDS[state]} for ${ago(since)}${failure ? `: ${whyWords(failure)}` : ''}`,
      TONES[state],
    ],
    ...(view.name ? [['Name', view.name] as Row] : []),
    ['Local', `http://localhost:${localPort}`],
    ['Pod', address ? `${address.user}@${address.host}:${address.port}` : 'not reached yet'],
    ['ComfyUI', view.answeredBy ?? comfy, COMFY_TONES[comfy]],
    ['ssh', sshWords(view)],
    ...proofRow(view),
    ['Traffic', view.lastActivityAt ? `${traffic}, last ${ago(view.lastActivityAt)} ago` : traffic],
    ['Opened', `${ago(view.startedAt)} ago`],
  ];
  if (lastDeath) rows.push(['Last died', `${ago(lastDeath.at)} ago: ${whyWords(lastDeath.failure)}`]);
  if (lastHealedAt) rows.push(['Last healed', `${ago(lastHealedAt)} ago`]);
  if (view.autoStop)
    rows.push([
      view.autoStop.isForGood ? 'Pod ends' : 'Pod stops',
      planCell(view.autoStop),
      view.autoStop.overdue ? 'bad' : undefined,
    ]);
  return panel(text.tunnelTitle(podId), rows, screen);
}

function proofRow(view: TunnelView): Row[] {
  const words = proofWords(view);
  return words === undefined ? [] : [['Proof', words, view.proof === 'unproven' ? 'warning' : undefined]];
}

function whyWords({ code, detail }: NonNullable<TunnelView['failure']>): string {
  return typeof detail.detail === 'string' ? detail.detail : code;
}

function sshWords({ sshPid, standbyPid }: TunnelView): string {
  const inUse = sshPid === undefined ? 'none' : `pid ${sshPid}`;
  return standbyPid === undefined ? inUse : `${inUse}; pid ${standbyPid} stands by`;
}

function ago(at: string): string {
  return uptimeWords((Date.now() - Date.parse(at)) / 1000);
}

/** Tunnels as a table, dead and failed ones included, with why the last one died; of proofs it tells where one is missing. */
export function tunnelTable(views: NamedTunnel[], screen: Screen | undefined): string {
  const hasProof = views.some(({ proof }) => proof === 'unproven');
  const rows = views.map((view) => [
    view.podId,
    view.name ?? '–',
    `localhost:${view.localPort}`,
    TUNNEL_STATE_WORDS[view.state],
    timeOf(new Date(view.since), 'second'),
    view.comfy,
    ...(hasProof ? [view.proof ?? '–'] : []),
    view.address ? `${view.address.host}:${view.address.port}` : '–',
    String(view.sshPid ?? '–'),
    `${size(view.bytesIn)} in, ${size(view.bytesOut)} out`,
    view.failure?.code ?? view.lastDeath?.failure.code ?? '',
  ]);
  const way = ['POD', 'NAME', 'LOCAL', 'STATE', 'SINCE', 'COMFYUI', ...(hasProof ? ['PROOF'] : [])];
  const head = [...way, 'ADDRESS', 'SSH', 'TRAFFIC', 'LAST FAILURE'];
  return table(head, rows, screen, ['TRAFFIC', 'SSH', 'ADDRESS', 'SINCE', 'NAME']);
}

function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
