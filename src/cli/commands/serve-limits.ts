import { AutopodError } from '../../errors.ts';
import { openFleetHome } from '../../fleet/home.ts';
import { People } from '../../fleet/people/people.ts';
import { type Allowance, Policies, type Policy } from '../../fleet/policy/policy.ts';
import { isTimeZone } from '../../fleet/policy/quiet.ts';
import type { Context } from '../context.ts';
import { fleetText } from '../text/fleet.ts';
import { limitCells, policyLines } from '../text/policy.ts';
import type { Verb } from '../verb.ts';
import { table } from '../views/table.ts';
import { noteAtServer } from './serve-people.ts';

interface Options {
  team?: string;
  members?: string[];
  maxPods?: number | 'none';
  maxPerHour?: number | 'none';
  maxPerDay?: number | 'none';
  idleStop?: number | 'never';
  quietHours?: { from: string; until: string } | 'never';
  timeZone?: string;
}

/** Shows what members may spend and when pods are stopped by themselves, or changes it. It holds at once. */
export const limits: Verb<Options> = async (context, name, options) => {
  const home = openFleetHome(context.home());
  const policies = new Policies(home);
  const told = toldOf(options);
  if (told === '') {
    if (name !== undefined || options.team !== undefined) throw nothingSaid();
    return show(context, await policies.read());
  }
  const whose = await whoseOf(new People(home), name, options);
  const policy = await policies.change((before) => changed(before, whose, options), context.signal);
  await noteAtServer(context, { machine: 'policy@1', id: whose.called, event: 'limited', to: told });
  return show(context, policy);
};

interface Whose {
  kind: 'everybody' | 'person' | 'team';
  name: string;
  /** As the journal has it. */
  called: string;
}

async function whoseOf(people: People, name: string | undefined, options: Options): Promise<Whose> {
  const { team, members } = options;
  const isForAll = options.idleStop !== undefined || options.quietHours !== undefined;
  if ((name !== undefined || team !== undefined) && isForAll) {
    throw new AutopodError('usage', {
      message: '--idle-stop and --quiet-hours hold for all pods of the fleet, not for one person or team.',
      next: 'Leave the name out.',
    });
  }
  if (name !== undefined && team !== undefined) {
    throw new AutopodError('usage', {
      message: `Limits are a person's or a team's, not those of ${name} and ${team}.`,
    });
  }
  if (members !== undefined && team === undefined) {
    throw new AutopodError('usage', { message: '--members says who a team is: it needs --team.' });
  }
  const known = (await people.list()).map((person) => person.name);
  const unknown = [...(members ?? []), ...(name === undefined ? [] : [name])].find(
    (one) => !known.includes(one),
  );
  if (unknown !== undefined) throw new AutopodError('usage', { message: fleetText.nobodyCalled(unknown) });
  if (team !== undefined) return { kind: 'team', name: team, called: `team ${team}` };
  if (name !== undefined) return { kind: 'person', name, called: name };
  return { kind: 'everybody', name: '', called: 'everybody' };
}

function changed(policy: Policy, { kind, name }: Whose, options: Options): Policy {
  if (kind === 'person') {
    return { ...policy, people: { ...policy.people, [name]: allowed(policy.people[name], options) } };
  }
  if (kind === 'team') {
    const { members: before, ...allowance } = policy.teams[name] ?? { members: undefined };
    const members = options.members ?? before;
    if (!members) {
      throw new AutopodError('usage', {
        message: `There is no team ${name} yet.`,
        next: `Say who it is: --team ${name} --members ann,bob`,
      });
    }
    const { [name]: _, ...others } = policy.teams;
    // Nobody in it is no team.
    if (members.length === 0) return { ...policy, teams: others };
    return { ...policy, teams: { ...others, [name]: { ...allowed(allowance, options), members } } };
  }
  return {
    ...policy,
    everybody: allowed(policy.everybody, options),
    ...(options.idleStop !== undefined && { idleMs: options.idleStop === 'never' ? null : options.idleStop }),
    ...(options.quietHours !== undefined && { quiet: quietOf(options) }),
  };
}

function allowed(before: Allowance = {}, { maxPods, maxPerHour, maxPerDay }: Options): Allowance {
  const said = { maxPods, maxPerHour, maxPerDay };
  const asked = Object.entries(said).filter(([, limit]) => limit !== undefined);
  const kept: [string, number | 'none' | undefined][] = Object.entries({
    ...before,
    ...Object.fromEntries(asked),
  });
  return Object.fromEntries(kept.filter(([, limit]) => limit !== 'none')) as Allowance;
}

function quietOf({ quietHours, timeZone }: Options): Policy['quiet'] {
  if (quietHours === undefined || quietHours === 'never') return null;
  const zone = timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!isTimeZone(zone)) {
    throw new AutopodError('usage', {
      message: `--time-zone: “${zone}” is no time zone.`,
      next: 'Such as Europe/Berlin, America/New_York or UTC.',
    });
  }
  return { ...quietHours, zone };
}

/** What is changed, as the journal has it. */
function toldOf({ team: _, members, quietHours, timeZone: __, ...options }: Options): string {
  const said: Record<string, unknown> = {
    members: members?.join('+'),
    max_pods: options.maxPods,
    max_per_hour: options.maxPerHour,
    max_per_day: options.maxPerDay,
    idle_stop: typeof options.idleStop === 'number' ? `${options.idleStop / 60_000}m` : options.idleStop,
    quiet_hours: typeof quietHours === 'object' ? `${quietHours.from}-${quietHours.until}` : quietHours,
  };
  const words = Object.entries(said).flatMap(([name, value]) =>
    value === undefined ? [] : `${name} ${value}`,
  );
  return words.join(', ');
}

function nothingSaid(): AutopodError {
  return new AutopodError('usage', {
    message: 'Nothing is said of what they may spend.',
    next: 'Such as --max-per-hour 2 or --max-per-day 20; "none" takes a limit back.',
  });
}

function show({ out }: Context, policy: Policy): number {
  if (out.isJson) out.json(policy);
  else {
    out.line(table(['FOR', 'PODS', 'PER HOUR', 'PER DAY'], limitCells(policy), out.screen));
    for (const line of policyLines(policy)) out.line(line);
  }
  return 0;
}
