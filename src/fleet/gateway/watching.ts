import type { Wording } from '../../inspector/subject.ts';
import { Watch } from '../../inspector/watch.ts';
import type { PodRecord } from '../../lifecycle/pod-records.ts';
import type { Config } from '../../services/config.ts';
import { JournalTail } from '../../store/journal-tail.ts';
import type { Fleet } from '../pods/fleet.ts';

/** Of the journal, what the inspector shows: the server's own tunnels are nobody's, and people are no machines. */
const SHOWN = /^(pod|guard|job)@/;

/** Where the server has its key is nobody else's. */
function shown(record: PodRecord): PodRecord {
  const { autoStop = null, ...facts } = record.facts;
  return {
    ...record,
    facts: { ...facts, autoStop: autoStop && { ...autoStop, keyPath: '', agentSocket: null } },
  };
}

/** Looks at the machines of a fleet as long as somebody listens. */
export function watchFleet(
  { home, pods }: Pick<Fleet, 'home' | 'pods'>,
  { wording, config, env }: { wording: Wording; config: Config; env: NodeJS.ProcessEnv },
): Watch {
  const tail = new JournalTail(home.journal);
  return new Watch({
    journal: {
      skip: () => tail.skip(),
      look: async () => {
        const { isWhole, entries } = await tail.look();
        return { isWhole, entries: entries.filter(({ machine }) => SHOWN.test(machine)) };
      },
    },
    pods: async () =>
      Object.fromEntries(Object.entries(await pods.peek()).map(([id, record]) => [id, shown(record)])),
    tunnels: async () => [],
    checkTunnelFile: async () => undefined,
    driverOf: async () => process.pid,
    keeper: async () => undefined,
    wording,
    secrets: [config.apiKey, env.RUNPOD_API_KEY].filter((secret) => secret !== undefined),
  });
}
