import { AutopodError } from '../../errors.ts';
import { comfyUI } from '../../services/comfyui/status.ts';
import { type WayOptions, wayToComfy, whySilent } from '../comfy/way-to-comfy.ts';
import { text } from '../text.ts';
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

/** Of runpod/comfyui. */
const IMAGE_FOLDER = '/workspace/runpod-slim/ComfyUI';

/** Version, endpoints, number of extensions and queue of the ComfyUI behind the tunnel. */
export const comfyInfo: Verb<WayOptions> = async (context, named, options) => {
  const { out, signal } = context;
  const { podId, tunnel } = await wayToComfy(context, named, options);
  const comfy = comfyUI(tunnel.localPort);
  const [{ system }, queue, extensions] = await Promise.all([
    comfy.systemStats(signal),
    comfy.queue(signal),
    comfy.extensions(signal),
  ]).catch(async (error: unknown) => {
    throw error instanceof AutopodError ? await whySilent(context, podId) : error;
  });
  const version = system.comfyui_version ?? 'unknown';
  const models = modelsFolder(system.argv ?? []);
  if (out.isJson) {
    out.json({ podId, version, endpoints: ENDPOINTS, extensions: extensions.length, models, queue });
    return 0;
  }
  const rows: [string, string][] = [
    ['Version', version],
    ['Python', system.python_version?.split(' ')[0] ?? 'unknown'],
    ['PyTorch', system.pytorch_version ?? 'unknown'],
    ['Endpoints', ENDPOINTS.slice(0, 4).join(', ')],
    ['', ENDPOINTS.slice(4).join(', ')],
    ['Extensions', `${extensions.length} installed`],
    ['Models', models],
  ];
  out.line(panel(text.comfyInfoTitle(), rows, out.screen));
  out.line(text.queueCounts(queue));
  return 0;
};

/** Where ComfyUI looks for models: under its base directory, which the image of RunPod keeps on the volume. */
function modelsFolder(argv: string[]): string {
  const flag = argv.indexOf('--base-directory');
  const given =
    flag >= 0 ? argv[flag + 1] : argv.find((word) => word.startsWith('--base-directory='))?.slice(17);
  return `${given ?? IMAGE_FOLDER}/models`;
}
