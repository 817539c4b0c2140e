import type { TunnelView } from '../../keeper/client.ts';
import { describeHome, homePath } from '../../store/home.ts';
import { plannedPods, toldPlan } from '../../store/plans.ts';
import { knownPods } from '../../store/pods-file.ts';
import type { Context } from '../context.ts';
import { text } from '../text.ts';
import { type NamedTunnel, tunnelPanel, tunnelTable } from '../views/tunnels.ts';

/** What looking at tunnels takes of a command's context. */
export type Seeing = Pick<Context, 'out' | 'signal' | 'keeper' | 'env'>;

/** How tunnels are, without loading what only their opening needs. Exit code 0 when there are some and all are healthy. */
export async function tunnelStatus(context: Seeing, named: string | undefined): Promise<number> {
  const views = await chosenTunnels(context, named);
  const [only] = views;
  const isPanel = only !== undefined && views.length === 1 && !context.out.isJson;
  if (isPanel) context.out.line(tunnelPanel(only, context.out.screen));
  else showTunnels(context, views, named);
  tellPlans(context, named, isPanel ? views : []);
  return views.length > 0 && views.every(({ state }) => state === 'healthy') ? 0 : 1;
}

/** Plans hold without a tunnel, too. */
export function tellPlans({ out, env }: Seeing, named: string | undefined, told: TunnelView[] = []): void {
  const untold = (plannedPods(describeHome(homePath(env)).pods) ?? []).filter(
    ({ podId }) => (named === undefined || podId === named) && told.every((view) => view.podId !== podId),
  );
  for (const planned of untold) {
    const plan = toldPlan(planned);
    if (planned.podId && plan) out.say(text.planStays(planned.podId, plan), plan.overdue ? 'bad' : undefined);
  }
}

export async function tunnelList(context: Seeing): Promise<number> {
  showTunnels(context, await chosenTunnels(context, undefined));
  return 0;
}

export function showTunnels({ out }: Seeing, views: NamedTunnel[], named?: string): void {
  if (out.isJson) out.json({ tunnels: views });
  else if (views.length === 0) out.say(named === undefined ? text.noTunnels() : text.noTunnelTo(named));
  else out.line(tunnelTable(views, out.screen));
}

/** The tunnel to the named pod, or all. */
export async function chosenTunnels(context: Seeing, named: string | undefined): Promise<NamedTunnel[]> {
  const views = withNames(context, await (await context.keeper()).tunnels(context.signal));
  return named === undefined ? views : views.filter(({ podId }) => podId === named);
}

/** Tunnels with the names of their pods. */
export function withNames({ env }: Pick<Seeing, 'env'>, views: TunnelView[]): NamedTunnel[] {
  const pods = knownPods(describeHome(homePath(env)).pods);
  const nameOf = new Map(pods.map(({ podId, name }) => [podId, name]));
  return views.map((view) => ({ ...view, name: nameOf.get(view.podId) || null }));
}
