import type { TunnelView } from '../../keeper/client.ts';
import { openTunnel } from '../../lifecycle/open-tunnel.ts';
import type { Context } from '../context.ts';
import { text } from '../text.ts';

const DEFAULT_LOCAL_PORT = 8188;

/**
 * The tunnel of a pod: the one that stands, or one opened now, on the port the pod had before if none is named. Does
 * not wait until it is healthy.
 */
export async function tunnelTo(
  context: Context,
  podId: string,
  localPort: number | 'auto' | undefined,
): Promise<TunnelView> {
  const keeper = await context.keeper();
  const standing = (await keeper.tunnels(context.signal)).find((view) => view.podId === podId);
  const { apiUrl, apiKey } = await context.config();
  const port = localPort ?? standing?.localPort ?? (await savedPort(context, podId)) ?? DEFAULT_LOCAL_PORT;
  const needs = { keeper, privateKey: () => context.privateKey(), account: { apiUrl, apiKey } };
  const opened = await openTunnel(needs, { podId, localPort: port }, context.signal);
  if (opened.tookPortFrom) context.out.say(text.tookPort(opened.tookPortFrom, opened.localPort));
  return opened;
}

async function savedPort(context: Context, podId: string): Promise<number | 'auto' | undefined> {
  const records = Object.values(await (await context.pods()).all());
  const facts = records.find((record) => record.facts.podId === podId)?.facts;
  return facts?.localPort ?? facts?.access?.localPort;
}
