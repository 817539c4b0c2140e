import { type Config, redactKey } from '../../services/config.ts';
import { cudaFloor } from '../../services/runpod/cuda.ts';
import { uptimeWords } from '../text/uptime.ts';
import { text } from '../text.ts';
import type { Verb } from '../verb.ts';
import { panel } from '../views/panel.ts';

/** The settings in force, whatever they come from; of the API key only its last four characters. */
export const configShow: Verb<object> = async (context) => {
  const { out } = context;
  const config = await context.config();
  const shown = { ...config, apiKey: redactKey(config.apiKey), file: context.home().config };
  if (out.isJson) {
    out.json(shown);
    return 0;
  }
  const rows: [string, string][] = [
    ['File', shown.file],
    ['API', shown.apiUrl],
    ['API key', shown.apiKey ? `${shown.apiKey} from ${shown.apiKeySource}` : 'none'],
    ['SSH key', shown.sshKeyPath ?? 'the first usable one in ~/.ssh'],
    ['Image', shown.image],
    ['Cloud', shown.cloud],
    ['Data center', shown.dataCenterId ?? 'any'],
    ['Volume', shown.volumeId ? `${shown.volumeId} → ${shown.volumeMount}` : 'none'],
    ['CUDA', cudaWords(shown.minCudaVersion, shown.image)],
    ['Proof', shown.isProofRequired ? 'required of a pod' : 'asked of a pod, not required'],
    ['GPUs', `${shown.gpuCount}x ${shown.gpuPreferences.join(', then ')}`],
  ];
  const stops = planWords(shown.autoStop);
  if (stops) rows.push(['Stops', stops]);
  for (const [pod, own] of Object.entries(shown.autoStopOf))
    rows.push(['Stops', `${pod}: ${planWords(own) || 'never'}`]);
  out.line(panel(text.configTitle(), rows, out.screen));
  return 0;
};

function planWords({ stopAfterMs, idleMs, aloneMs, ending }: Config['autoStop']): string {
  const times = [
    stopAfterMs !== null && `after ${uptimeWords(stopAfterMs / 1000)}`,
    idleMs !== null && `after ${uptimeWords(idleMs / 1000)} without use`,
    aloneMs !== null && `after ${uptimeWords(aloneMs / 1000)} without a sign of this machine`,
  ].filter(Boolean);
  return times.length > 0 ? `${times.join(', or ')}${ending === 'kill' ? '; then ended for good' : ''}` : '';
}

function cudaWords(asked: string | undefined, image: string): string {
  const floor = cudaFloor(asked, image);
  return floor === undefined ? 'any' : `at least ${floor}${asked === undefined ? ', for the image' : ''}`;
}
