import { AutopodError } from '../../errors.ts';
import { type Asked, requireWithin } from '../../lifecycle/limits.ts';
import type { Books } from '../../lifecycle/spending.ts';
import type { Allowance, Policy } from './policy.ts';
import { quietUntil } from './quiet.ts';

interface Asking {
  /** For whom it is bought or started. */
  owner: string;
  asked: Asked;
  books: Books;
  /** Whose each pod is: of launches without one, by the launch's id. */
  ownerOf: (podId: string) => string | undefined;
}

/**
 * Whether a person may have this run as well: in this hour of the day, within what is theirs and their teams'. Throws
 * `limitReached` with the limit, whose it is, and the sum.
 */
export async function requireAllowance(policy: Policy, asking: Asking): Promise<void> {
  const { owner, books } = asking;
  const until = policy.quiet && quietUntil(policy.quiet, books.now);
  if (policy.quiet && until !== null) {
    const { from, until: end, zone } = policy.quiet;
    throw new AutopodError('limitReached', {
      limit: 'quiet_hours',
      hours: `${from}–${end} (${zone})`,
      until: new Date(until).toISOString(),
    });
  }
  await requireShare(allowanceOf(policy, owner), [owner], owner, asking);
  for (const [team, { members, ...allowance }] of Object.entries(policy.teams)) {
    if (members.includes(owner)) await requireShare(allowance, members, `team ${team}`, asking);
  }
}

/** A person's own limits, each that is theirs before everybody's. */
export function allowanceOf({ people, everybody }: Policy, name: string): Allowance {
  return { ...everybody, ...people[name] };
}

export function hasAllowances({ everybody, people, teams, quiet }: Policy): boolean {
  const all = [everybody, ...Object.values(people), ...Object.values(teams)];
  return (
    quiet !== null ||
    all.some(({ maxPods, maxPerHour, maxPerDay }) =>
      [maxPods, maxPerHour, maxPerDay].some((limit) => limit !== undefined),
    )
  );
}

async function requireShare(
  { maxPods, maxPerHour, maxPerDay }: Allowance,
  names: string[],
  whose: string,
  { asked, books: { running, spentToday, now }, ownerOf }: Asking,
): Promise<void> {
  const isTheirs = (podId: string) => names.includes(ownerOf(podId) ?? '');
  const spent =
    maxPerDay === undefined
      ? []
      : [...(await spentToday())].flatMap(([id, usd]) => (isTheirs(id) ? usd : []));
  const account = {
    running: running.filter(({ podId }) => isTheirs(podId)),
    spentToday: spent.reduce((sum, usd) => sum + usd, 0),
    now,
  };
  try {
    requireWithin({ maxPods, maxPerHour, maxPerDay, maxPerLaunch: undefined }, asked, account);
  } catch (error) {
    if (!(error instanceof AutopodError)) throw error;
    throw new AutopodError(error.code, { ...error.detail, whose });
  }
}
