import { join } from 'node:path';
import { lockHolder } from '../store/lock.ts';
import { askRestate } from './engine/ask.ts';
import { placesIn } from './engine/server.ts';
import type { FleetHome } from './home.ts';
import { lastServing } from './serving.ts';

/** How a fleet stands, as seen from the machine it is served from. */
export type FleetStanding =
  | { isServed: false }
  | {
      isServed: true;
      url: string;
      /** ISO 8601, UTC. */
      since: string;
      pid: number;
      version: string;
      engine: {
        isAnswering: boolean;
        /** Calls that fail, and are tried again. */
        stuck: number;
      };
    };

const STUCK = "SELECT count(*) AS stuck FROM sys_invocation WHERE status IN ('backing-off', 'paused')";
const ANSWER_MS = 5_000;

export async function standingOf(home: FleetHome, signal: AbortSignal): Promise<FleetStanding> {
  const [holder, serving] = await Promise.all([lockHolder(serveLock(home)), lastServing(home)]);
  if (!holder || !serving) return { isServed: false };
  const { workerPort: _port, cluster, ...told } = serving;
  const admin = cluster ? { urls: cluster.admin } : placesIn(home.engine).admin;
  const engine = await askRestate<{ rows: { stuck: number }[] }>(admin, 'query', {
    json: { query: STUCK },
    timeoutMs: ANSWER_MS,
    signal,
  }).then(
    ({ rows }) => ({ isAnswering: true, stuck: rows[0]?.stuck ?? 0 }),
    () => ({ isAnswering: false, stuck: 0 }),
  );
  return { isServed: true, ...told, engine };
}

/** The lock that whoever serves a home holds, or changes it while nobody does. */
export function serveLock({ locks }: Pick<FleetHome, 'locks'>): string {
  return join(locks, 'serve');
}
