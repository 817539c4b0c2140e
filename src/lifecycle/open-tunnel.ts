import type { OpenRequest, TunnelView } from '../keeper/client.ts';
import type { Environment } from './environment.ts';

/** Has the keeper open the tunnel of a pod, or answer the one that stands. Does not wait until it is healthy. */
export async function openTunnel(
  { keeper, privateKey, account }: Pick<Environment, 'keeper' | 'privateKey' | 'account'>,
  { podId, localPort, neededBy }: Pick<OpenRequest, 'podId' | 'localPort' | 'neededBy'>,
  signal: AbortSignal,
): Promise<TunnelView> {
  const { path: keyPath, needsAgent, agentSocket } = await privateKey();
  return keeper.open({ podId, localPort, keyPath, needsAgent, agentSocket, neededBy, account }, signal);
}
