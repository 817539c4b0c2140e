import type { TunnelContext, TunnelState } from '../machines/tunnel.ts';

export const COMFY_DOWN =
  'The tunnel is fine; ComfyUI does not answer on the pod. It may be starting. See: autopod logs --container';

/** What a held connection is told in the end, by state. */
export function adviceFor(state: TunnelState): string {
  return ADVICE[state];
}

const ADVICE: Record<TunnelState, string> = {
  starting: 'It is being opened; try again in a moment.',
  healthy: 'Try again.',
  dead: 'The connection to the pod is lost and comes back by itself.',
  recreating: 'The connection to the pod is lost and comes back by itself.',
  waitingForPod: 'The pod does not run. Start it with: autopod start',
  failed: 'It cannot come back by itself. See: autopod tunnel --status',
  stopping: 'The tunnel is being closed.',
  stopped: 'The tunnel is closed. Open it with: autopod tunnel',
};

/** Why a tunnel is in its state, or where it leads, for the journal. */
export function reasonOf({ failure, generation }: TunnelContext): string | undefined {
  if (!failure) return generation ? `at ${generation.address.host}:${generation.address.port}` : undefined;
  const { code, detail } = failure;
  return typeof detail.detail === 'string' ? `${code}: ${detail.detail}` : code;
}
