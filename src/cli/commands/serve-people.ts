import { describeFleet, openFleetHome } from '../../fleet/home.ts';
import { People, type Role } from '../../fleet/people/people.ts';
import { lastServing } from '../../fleet/serving.ts';
import { serveLock } from '../../fleet/standing.ts';
import { Journal } from '../../store/journal.ts';
import { lockHolder } from '../../store/lock.ts';
import type { Context } from '../context.ts';
import { fleetText } from '../text/fleet.ts';
import type { Verb } from '../verb.ts';
import { table } from '../views/table.ts';

/** Where members reach the gateway as it was last served; the usual address before that. */
const USUAL_URL = 'http://127.0.0.1:7433';

/** Prints the line with which somebody logs in. It is good whether or not the fleet is served now. */
export const invite: Verb<{ role: Role }> = async (context, name = '', { role }) => {
  const { out } = context;
  const home = openFleetHome(context.home());
  const secret = await new People(home).invite({ name, role });
  await noteAtServer(context, { machine: 'person@1', id: name, event: 'invited', to: role });
  const { url = USUAL_URL } = (await lastServing(home)) ?? {};
  const line = `autopod login '${url}/#${secret}'`;
  if (out.isJson) out.json({ name, role, url: `${url}/#${secret}` });
  else {
    out.say(fleetText.invited(name, role));
    out.line(line);
  }
  return 0;
};

export const remove: Verb<object> = async (context, name = '') => {
  const { out } = context;
  const { publicKeys } = await new People(openFleetHome(context.home())).remove(name);
  await noteAtServer(context, { machine: 'person@1', id: name, event: 'removed', to: 'nobody' });
  if (out.isJson) out.json({ name, publicKeys });
  else out.line(fleetText.removed(name));
  const isServed = (await lockHolder(serveLock(describeFleet(context.home())))) !== undefined;
  if (publicKeys.length > 0) out.say(fleetText.keysGo(publicKeys.length, isServed));
  return 0;
};

export const people: Verb<object> = async (context) => {
  const { out } = context;
  const all = await new People(openFleetHome(context.home())).list();
  if (out.isJson) out.json({ people: all });
  else if (all.length === 0) out.say(fleetText.nobody());
  else {
    const cells = all.map(({ name, role, logins, isInvited }) => [
      name,
      role,
      String(logins),
      isInvited ? 'open' : '–',
    ]);
    out.line(table(['NAME', 'ROLE', 'LOGINS', 'INVITATION'], cells, out.screen));
  }
  return 0;
};

/** Who came and went, and what they may do, stands where all else does that was changed in the fleet. */
export async function noteAtServer(
  context: Context,
  entry: { machine: string; id: string; event: string; to: string },
): Promise<void> {
  const { journal } = describeFleet(context.home());
  const at = new Date().toISOString();
  await new Journal(journal).append({ at, from: 'saved', who: 'server', ...entry });
}
