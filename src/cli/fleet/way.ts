import { AutopodError } from '../../errors.ts';
import type { Context } from '../context.ts';
import { type FleetClient, fleetClient } from './client.ts';

/** The gateway of the fleet in force. */
export function clientFor(context: Context): FleetClient {
  const { fleet, signal } = context;
  if (!fleet) throw new Error('no fleet is in force');
  return fleetClient(fleet.url, fleet.token, signal);
}

/** The pod that is named, or the only one of the member's there is. Throws `podNotChosen` and `podNotFound`. */
export async function podMeant(context: Context, named: string | undefined): Promise<string> {
  if (named !== undefined) return named;
  const own = (await clientFor(context).list()).filter(({ owner }) => owner === context.fleet?.name);
  const ids = own.map(({ podId, launchId }) => podId ?? launchId);
  if (ids.length > 1) throw new AutopodError('podNotChosen', { pods: ids });
  if (!ids[0]) throw new AutopodError('podNotFound', {});
  return ids[0];
}
