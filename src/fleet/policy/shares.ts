import { AutopodError } from '../../errors.ts';
import type { PodStore } from '../../lifecycle/pod-records.ts';
import type { Shares } from '../../lifecycle/spending.ts';
import { EndedRuns } from '../../store/runs.ts';
import type { FleetHome } from '../home.ts';
import type { People } from '../people/people.ts';
import { hasAllowances, requireAllowance } from './allowances.ts';
import type { Owners } from './owners.ts';
import type { Policies } from './policy.ts';

interface SharesContext {
  home: FleetHome;
  pods: PodStore;
  policies: Policies;
  owners: Owners;
}

/** What the members of a fleet may each spend, as spending asks for it. */
export function sharesOf({ home, pods, policies, owners }: SharesContext): Shares {
  const runs = new EndedRuns(home);
  return {
    isLimited: async () => hasAllowances(await policies.read()),
    endedRuns: () => runs.lately(),
    require: async ({ podId, launchId, owner }, asked, books) => {
      const records = Object.values(await pods.all()).map(({ facts }) => facts);
      const meant = records.find((facts) =>
        podId === undefined ? facts.launchId === launchId : facts.podId === podId,
      );
      const known = await owners.all();
      const ownerOf = (id: string) =>
        records.find((facts) => facts.podId === id || facts.launchId === id)?.owner ?? known.get(id);
      await requireAllowance(await policies.read(), {
        owner: owner ?? meant?.owner ?? '',
        asked,
        books,
        ownerOf,
      });
    },
  };
}

/** Has a limit that is reached told with who may change it. */
export async function tellingWhom<T>(people: Pick<People, 'list'>, spend: () => Promise<T>): Promise<T> {
  try {
    return await spend();
  } catch (error) {
    if (!(error instanceof AutopodError) || error.code !== 'limitReached') throw error;
    const admins = (await people.list()).flatMap(({ name, role }) => (role === 'admin' ? name : []));
    throw new AutopodError('limitReached', { ...error.detail, ofFleet: true, ask: admins });
  }
}
