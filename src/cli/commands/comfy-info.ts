import { comfyUI } from '../../services/comfyui.ts';
import { choosePod } from '../pod-argument.ts';
import { text } from '../text.ts';
import { tunnelTo } from '../tunnel-to.ts';
import type { Verb } from '../verb.ts';
import { panel } from '../views/panel.ts';

const ENDPOINTS = [
  '/prompt',
  '/queue',
  '/history',
  '/system_stats',
  '/embeddings',
  '/extensions',
  '/object_info',
  '/ws',
];

/** Version, endpoints, number of extensions and queue of the ComfyUI behind the tunnel. */
export const comfyInfo: Verb<object> = async (context, named) => {
  const { out, signal } = context;
  const { podId } = await choosePod(context, named);
  const { localPort } = await tunnelTo(context, podId, undefined);
  const comfy = comfyUI(localPort);
  const [{ system }, queue, extensions] = await Promise.all([
    comfy.systemStats(signal),
    comfy.queue(signal),
    comfy.extensions(signal),
  ]);
  const version = system.comfyui_version ?? 'unknown';
  if (out.isJson) {
    out.json({ podId, version, endpoints: ENDPOINTS, extensions: extensions.length, queue });
    return 0;
  }
  const rows: [string, string][] = [
    ['Version', version],
    ['Python', system.python_version?.split(' ')[0] ?? 'unknown'],
    ['PyTorch', system.pytorch_version ?? 'unknown'],
    ['Endpoints', ENDPOINTS.slice(0, 4).join(', ')],
    ['', ENDPOINTS.slice(4).join(', ')],
    ['Extensions', `${extensions.length} installed`],
  ];
  out.line(panel(text.comfyInfoTitle(), rows, out.hasColor));
  out.line(text.queueCounts(queue));
  return 0;
};
