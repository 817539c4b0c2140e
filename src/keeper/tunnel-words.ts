import type { TunnelContext, TunnelState } from '../machines/tunnel.ts';

/** Why a request was not answered by ComfyUI: the state for scripts, what is so for people, and what to do. */
export interface Explanation {
  state: string;
  title: string;
  advice: string;
}

export const COMFY_DOWN: Explanation = {
  state: 'fine, ComfyUI is down',
  title: 'ComfyUI does not answer',
  advice:
    'The tunnel to the pod works, but ComfyUI on it does not answer: it may be starting. Its log: autopod logs --container',
};

/** What a held connection is told in the end, by state. */
export function explanationOf(state: TunnelState): Explanation {
  return { state, ...WORDS[state] };
}

const LOST = {
  title: 'Reconnecting to the pod',
  advice: 'The connection to the pod is lost. autopod is opening another one.',
};
const WORDS: Record<TunnelState, Omit<Explanation, 'state'>> = {
  starting: { title: 'Connecting to the pod', advice: 'The tunnel is being opened.' },
  healthy: { title: 'ComfyUI did not answer in time', advice: 'Try again.' },
  dead: LOST,
  recreating: LOST,
  waitingForPod: { title: 'The pod is stopped', advice: 'Start it with: autopod start' },
  failed: {
    title: 'The tunnel has failed',
    advice: 'It cannot recover without you. The reason: autopod tunnel --status',
  },
  stopping: { title: 'The tunnel is being closed', advice: 'Open it again with: autopod tunnel' },
  stopped: { title: 'The tunnel is closed', advice: 'Open it again with: autopod tunnel' },
};

/** Why a tunnel is in its state, or where it leads, for the journal. */
export function reasonOf({ failure, generation }: TunnelContext): string | undefined {
  if (!failure) return generation ? `at ${generation.address.host}:${generation.address.port}` : undefined;
  const { code, detail } = failure;
  return typeof detail.detail === 'string' ? `${code}: ${detail.detail}` : code;
}
