import { setTimeout as sleep } from 'node:timers/promises';
import { AutopodError } from '../../errors.ts';
import { OtherAnswer } from '../../lifecycle/other-answer.ts';
import { timingsFrom } from '../../lifecycle/timings.ts';
import { comfyUI, type QueueCounts, type SystemStats } from '../../services/comfyui/status.ts';
import { type LogWatch, watchLog } from '../comfy/log-watch.ts';
import { failIfHopeless, type WayOptions, wayToComfy, whySilent } from '../comfy/way-to-comfy.ts';
import type { Context } from '../context.ts';
import type { Screen } from '../output/screen.ts';
import { text } from '../text.ts';
import type { Verb } from '../verb.ts';
import { panel, type Row } from '../views/panel.ts';

interface StatusOptions extends WayOptions {
  wait: boolean;
}

/** Milliseconds one question may take; longer than that, whoever waits is told so. */
const QUESTION_MS = 3_000;
/** Milliseconds `--no-wait` has for all: a tunnel opened only now needs some of them. */
const AT_ONCE_MS = 4_000;

/** Whether ComfyUI answers through the tunnel; opens the tunnel if there is none. Exit code 0 ready, 1 not. */
export const comfyStatus: Verb<StatusOptions> = async (context, named, options) => {
  const { out, signal } = context;
  const { podId, tunnel } = await wayToComfy(context, named, options);
  const stats = await (options.wait
    ? statsUntil(context, tunnel.localPort, podId)
    : statsNow(context, tunnel.localPort, AT_ONCE_MS));
  if (!stats) {
    const why = await whySilent(context, podId);
    if (why.code !== 'comfyTimedOut') throw why;
    const hasBeenUp = await failIfCrashed(context, podId);
    if (!out.isJson) {
      out.line(hasBeenUp ? text.comfySilent() : text.comfyStarting());
      throw new AutopodError(why.code, { ...why.detail, hasBeenUp });
    }
    out.json({ podId, isReady: false });
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
  podId: string,
): Promise<SystemStats | undefined> {
  const { out, signal, deadline } = context;
  const begun = performance.now();
  const other = new OtherAnswer(timingsFrom(context.env).otherAnswerMs);
  let log: LogWatch | undefined;
  try {
    for (let pauseMs = 1_000; ; pauseMs = Math.min(pauseMs * 1.5, 10_000)) {
      const stats = await statsNow(context, localPort, Math.min(QUESTION_MS, deadline.leftMs));
      if (stats) return stats;
      const instead = other.verdict(await failIfHopeless(context, podId));
      if (instead) throw instead;
      log ??= await watchLog(context, podId);
      const verdict = log.verdict();
      if (verdict) throw verdict;
      if (deadline.isOver) return undefined;
      const seconds = Math.round((performance.now() - begun) / 1000);
      out.say(log.hasBeenUp() ? text.comfyWaitingAgain(seconds) : text.comfyWaiting(seconds));
      await sleep(Math.min(pauseMs, deadline.leftMs), undefined, { signal });
    }
  } finally {
    log?.end();
  }
}

/** Throws what the log of this boot says keeps ComfyUI from ever answering; the answer is whether it has been up. */
async function failIfCrashed(context: Context, podId: string): Promise<boolean> {
  const log = await watchLog(context, podId);
  try {
    await log.past();
    const verdict = log.verdict();
    if (verdict) throw verdict;
    return log.hasBeenUp();
  } finally {
    log.end();
  }
}

async function statsNow(
  { signal }: Context,
  localPort: number,
  limitMs: number,
): Promise<SystemStats | undefined> {
  try {
    return await comfyUI(localPort, Math.max(limitMs, 1)).systemStats(signal);
  } catch (error) {
    if (error instanceof AutopodError && error.code === 'comfyTimedOut') return undefined;
    throw error;
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
    ['Tunnel', `localhost:${port} → ${podId}:8188`],
    ['Queue', `${queue.pending} pending, ${queue.running} running`],
    ...stats.devices.map((device): Row => ['GPU', gpuMemory(device)]),
  ];
  const ready = screen?.paint('good', text.comfyReady()) ?? text.comfyReady();
  return `${ready}\n${panel(text.comfyStatusTitle(), rows, screen)}`;
}

function gpuMemory({ name, vram_total, vram_free }: SystemStats['devices'][number]): string {
  const gigabytes = (bytes: number) => (bytes / 1024 ** 3).toFixed(1);
  return `${gigabytes(vram_total - vram_free)}/${gigabytes(vram_total)} GB used (${name})`;
}
