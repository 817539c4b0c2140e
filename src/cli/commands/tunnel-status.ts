import type { TunnelView } from '../../keeper/client.ts';
import type { Context } from '../context.ts';
import { text } from '../text.ts';
import { tunnelPanel, tunnelTable } from '../views/tunnels.ts';

/** What looking at tunnels takes of a command's context. */
export type Seeing = Pick<Context, 'out' | 'signal' | 'keeper'>;

/** How tunnels are, without loading what only their opening needs. Exit code 0 when there are some and all are healthy. */
export async function tunnelStatus(context: Seeing, named: string | undefined): Promise<number> {
  const views = await chosenTunnels(context, named);
  const [only] = views;
  if (only && views.length === 1 && !context.out.isJson) {
    context.out.line(tunnelPanel(only, context.out.screen));
  } else showTunnels(context, views);
  return views.length > 0 && views.every(({ state }) => state === 'healthy') ? 0 : 1;
}

export async function tunnelList(context: Seeing): Promise<number> {
  showTunnels(context, await chosenTunnels(context, undefined));
  return 0;
}

export function showTunnels({ out }: Seeing, views: TunnelView[]): void {
  if (out.isJson) out.json({ tunnels: views });
  else if (views.length === 0) out.say(text.noTunnels());
  else out.line(tunnelTable(views, out.screen));
}

/** The tunnel to the named pod, or all. */
export async function chosenTunnels(context: Seeing, named: string | undefined): Promise<TunnelView[]> {
  const views = await (await context.keeper()).tunnels(context.signal);
  return named === undefined ? views : views.filter(({ podId }) => podId === named);
}
