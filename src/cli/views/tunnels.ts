import type { TunnelView } from '../../keeper/client.ts';
import { table } from './table.ts';

/** Tunnels as a table, dead and failed ones included, with why the last one died. */
export function tunnelLines(views: TunnelView[]): string[] {
  const rows = views.map((view) => [
    view.podId,
    `localhost:${view.localPort}`,
    view.state,
    view.since.slice(11, 19),
    view.comfy,
    view.address ? `${view.address.host}:${view.address.port}` : '–',
    String(view.sshPid ?? '–'),
    `${size(view.bytesIn)} in, ${size(view.bytesOut)} out`,
    view.failure?.code ?? view.lastDeath?.failure.code ?? '',
  ]);
  const head = ['POD', 'LOCAL', 'STATE', 'SINCE', 'COMFYUI', 'ADDRESS', 'SSH', 'TRAFFIC', 'LAST FAILURE'];
  return table(head, rows).split('\n');
}

function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
