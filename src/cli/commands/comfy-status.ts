import { setTimeout as sleep } from 'node:timers/promises';
import { AutopodError } from '../../errors.ts';
import { comfyUI, type QueueCounts, type SystemStats } from '../../services/comfyui.ts';
import type { Context } from '../context.ts';
import { choosePod } from '../pod-argument.ts';
import type { Screen } from '../screen.ts';
import { text } from '../text.ts';
import { tunnelTo } from '../tunnel-to.ts';
import type { Verb } from '../verb.ts';
import { panel, type Row } from '../views/panel.ts';

/** Whether ComfyUI answers through the tunnel; opens the tunnel if there is none. Exit code 0 ready, 1 not. */
export const comfyStatus: Verb<{ wait: boolean; timeout: number }> = async (context, named, options) => {
  const { out, signal } = context;
  const { podId } = await choosePod(context, named);
  const tunnel = await tunnelTo(context, podId, undefined);
  const until = options.wait ? Date.now() + options.timeout : 0;
  const stats = await statsUntil(context, tunnel.localPort, until);
  if (!stats) {
    if (out.isJson) out.json({ podId, isReady: false });
    else out.line(text.comfyStarting());
    if (options.wait) throw new AutopodError('comfyTimedOut', { podId });
    return 1;
  }
  const queue = await comfyUI(tunnel.localPort).queue(signal);
  if (out.isJson)
    out.json({ podId, isReady: true, url: `http://localhost:${tunnel.localPort}`, queue, system: stats });
  else out.line(shown(podId, tunnel.localPort, queue, stats, out.screen));
  return 0;
};

async function statsUntil(
  context: Context,
  localPort: number,
  until: number,
): Promise<SystemStats | undefined> {
  const { out, signal } = context;
  const begun = Date.now();
  for (let pauseMs = 1_000; ; pauseMs = Math.min(pauseMs * 1.5, 10_000)) {
    try {
      return await comfyUI(localPort).systemStats(signal);
    } catch (error) {
      signal.throwIfAborted();
      if (Date.now() + pauseMs > until) return undefined;
      if (!(error instanceof AutopodError)) throw error;
      out.say(text.comfyWaiting(Math.round((Date.now() - begun) / 1000)));
    }
    await sleep(pauseMs, undefined, { signal });
  }
}

function shown(
  podId: string,
  port: number,
  queue: QueueCounts,
  stats: SystemStats,
  screen: Screen | undefined,
): string {
  const rows: Row[] = [
    ['Status', text.readyMark(), 'good'],
    ['Tunnel', `localhost:${port} → ${podId}:8188`],
    ['Queue', `${queue.pending} pending, ${queue.running} running`],
    ...stats.devices.map((device): Row => ['GPU', gpuMemory(device)]),
  ];
  return `${text.comfyReady()}\n${panel(text.comfyStatusTitle(), rows, screen)}`;
}

function gpuMemory({ name, vram_total, vram_free }: SystemStats['devices'][number]): string {
  const gigabytes = (bytes: number) => (bytes / 1024 ** 3).toFixed(1);
  return `${gigabytes(vram_total - vram_free)}/${gigabytes(vram_total)} GB used (${name})`;
}
