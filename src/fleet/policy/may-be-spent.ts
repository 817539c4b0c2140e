import { type Failure, toFailure } from '../../errors.ts';
import { requireAllowed } from '../../lifecycle/spending.ts';
import type { Fleet, MaySpend } from '../pods/fleet.ts';
import { tellingWhom } from './shares.ts';

const ANSWER_MS = 30_000;

/**
 * Why that may not be spent now, for the limits of the account, the person, their teams, or the hour; null where it may.
 * It is an answer for this moment only: what buys is looked at again, under the lock.
 */
export async function mayBeSpent(
  fleet: Pick<Fleet, 'runpod' | 'pods' | 'timings' | 'limits' | 'shares' | 'people' | 'log'>,
  { owner, costPerHour = 0 }: MaySpend,
): Promise<Failure | null> {
  const context = { ...fleet, tell: () => undefined };
  const purchase = { launchId: '', owner, costPerHour };
  return tellingWhom(fleet.people, () =>
    requireAllowed(context, purchase, AbortSignal.timeout(ANSWER_MS)),
  ).then(() => null, toFailure);
}
