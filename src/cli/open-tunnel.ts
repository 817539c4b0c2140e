import type { TunnelView } from '../keeper/client.ts';
import type { Context } from './context.ts';

const DEFAULT_LOCAL_PORT = 8188;

/** The tunnel of a pod: the one that stands, or one opened now. Does not wait until it is healthy. */
export async function openTunnel(
  context: Context,
  podId: string,
  localPort: number | 'auto' | undefined,
): Promise<TunnelView> {
  const keeper = await context.keeper();
  const standing = (await keeper.tunnels(context.signal)).find((view) => view.podId === podId);
  const [{ path: keyPath }, { apiUrl, apiKey }] = await Promise.all([context.privateKey(), context.config()]);
  await keeper.ensureRunning(context.signal);
  const port = localPort ?? standing?.localPort ?? DEFAULT_LOCAL_PORT;
  return keeper.open({ podId, localPort: port, keyPath, account: { apiUrl, apiKey } }, context.signal);
}
