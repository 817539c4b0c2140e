import { join } from 'node:path';
import { lockHolder } from '../store/lock.ts';
import { askRestate, type Place } from './engine/ask.ts';
import { deployments } from './engine/deployments.ts';
import { placesIn } from './engine/server.ts';
import type { FleetHome } from './home.ts';
import { lastServing, type Serving } from './serving.ts';
import { knownWorkers } from './workers.ts';

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
      /** Other versions that have begun something which is not done. */
      leaving: { version: string; pid: number; since: string; isAlive: boolean; calls: number }[];
    };

const STUCK = "SELECT count(*) AS stuck FROM sys_invocation WHERE status IN ('backing-off', 'paused')";
const ANSWER_MS = 5_000;

export async function standingOf(home: FleetHome, signal: AbortSignal): Promise<FleetStanding> {
  const [holder, serving] = await Promise.all([lockHolder(serveLock(home)), lastServing(home)]);
  if (!holder || !serving) return { isServed: false };
  const { workerPort: _port, layout: _layout, cluster, ...told } = serving;
  const admin = cluster ? { urls: cluster.admin } : placesIn(home.engine).admin;
  const engine = await askRestate<{ rows: { stuck: number }[] }>(admin, 'query', {
    json: { query: STUCK },
    timeoutMs: ANSWER_MS,
    signal,
  }).then(
    ({ rows }) => ({ isAnswering: true, stuck: rows[0]?.stuck ?? 0 }),
    () => ({ isAnswering: false, stuck: 0 }),
  );
  return { isServed: true, ...told, engine, leaving: await leavingOf(home, serving, admin) };
}

async function leavingOf(
  home: FleetHome,
  { pid: serving }: Serving,
  admin: Place,
): Promise<Extract<FleetStanding, { isServed: true }>['leaving']> {
  const others = (await knownWorkers(home)).filter(({ process: { pid } }) => pid !== serving);
  const known = others.length > 0 ? await deployments({ admin }).catch(() => []) : [];
  return others
    .map(({ uri, version, since, isAlive, process: { pid } }) => {
      const { calls = 0 } = known.find((one) => one.uri === uri) ?? {};
      return { version, pid, since, isAlive, calls };
    })
    .filter(({ isAlive, calls }) => isAlive || calls > 0);
}

/** The lock that whoever serves a home holds, or changes it while nobody does. */
export function serveLock({ locks }: Pick<FleetHome, 'locks'>): string {
  return join(locks, 'serve');
}
