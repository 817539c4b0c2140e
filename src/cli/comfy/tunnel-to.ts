import { AutopodError } from '../../errors.ts';
import type { TunnelView } from '../../keeper/client.ts';
import { openTunnel } from '../../lifecycle/open-tunnel.ts';
import { observePod } from '../../services/runpod/pod-state.ts';
import { usualLocalPort } from '../../services/usual-local-port.ts';
import type { Context } from '../context.ts';
import { text } from '../text.ts';

/**
 * The tunnel of a pod: the one that stands, or one opened now, on the port the pod had before if none is named. Does
 * not wait until it is healthy. Throws `podWithoutSsh`.
 */
export async function tunnelTo(
  context: Context,
  podId: string,
  localPort: number | 'auto' | undefined,
): Promise<TunnelView> {
  const keeper = await context.keeper();
  const standing = (await keeper.tunnels(context.signal)).find((view) => view.podId === podId);
  if (!standing) await requireSshPort(context, podId);
  const { apiUrl, apiKey } = await context.config();
  const port = localPort ?? standing?.localPort ?? (await savedPort(context, podId)) ?? usualLocalPort();
  const needs = { keeper, privateKey: () => context.privateKey(), account: { apiUrl, apiKey } };
  const opened = await openTunnel(needs, { podId, localPort: port }, context.signal);
  if (localPort !== undefined) await rememberPort(context, podId, localPort);
  if (opened.tookPortFrom) context.out.say(text.tookPort(opened.tookPortFrom, opened.localPort));
  return opened;
}

/** A tunnel that could never stand would keep its port all the same. */
async function requireSshPort(context: Context, podId: string): Promise<void> {
  const seen = observePod(await (await context.runpod()).getPod(podId, context.signal));
  if (seen.condition !== 'gone' && !seen.hasSshPort) throw new AutopodError('podWithoutSsh', { podId });
}

async function rememberPort(context: Context, podId: string, localPort: number | 'auto'): Promise<void> {
  await (await context.pods()).transact((records) => {
    for (const record of Object.values(records)) {
      if (record.facts.podId === podId) record.facts.access = { keepTunnel: true, localPort };
    }
  });
}

async function savedPort(context: Context, podId: string): Promise<number | 'auto' | undefined> {
  const records = Object.values(await (await context.pods()).all());
  const facts = records.find((record) => record.facts.podId === podId)?.facts;
  return facts?.localPort ?? facts?.access?.localPort;
}
