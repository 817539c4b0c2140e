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
        /** The first of them: what they are about, and why they fail. */
        steps: StuckStep[];
      };
      /** Other versions that have begun something which is not done. */
      leaving: { version: string; pid: number; since: string; isAlive: boolean; calls: number }[];
    };

export interface StuckStep {
  /** Such as `pod`, `job`, `pool`. */
  object: string;
  key: string;
  reason: string;
}

const MOST_STEPS = 5;
/** A step that is just being tried once more is stuck as well; work that goes on for long after a first failure is not. */
const STUCK = `SELECT target_service_name AS object, target_service_key AS key, last_failure AS reason
  FROM sys_invocation WHERE status IN ('backing-off', 'paused')
  OR (status = 'running' AND retry_count > 1 AND last_failure IS NOT NULL AND target_handler_name <> 'work')`;
const ANSWER_MS = 5_000;

export async function standingOf(home: FleetHome, signal: AbortSignal): Promise<FleetStanding> {
  const [holder, serving] = await Promise.all([lockHolder(serveLock(home)), lastServing(home)]);
  if (!holder || !serving) return { isServed: false };
  const { workerPort: _port, layout: _layout, cluster, ...told } = serving;
  const admin = cluster ? { urls: cluster.admin } : placesIn(home.engine).admin;
  const engine = await askRestate<{ rows: Record<string, string | null>[] }>(admin, 'query', {
    json: { query: STUCK },
    timeoutMs: ANSWER_MS,
    signal,
  }).then(
    ({ rows }) => ({ isAnswering: true, stuck: rows.length, steps: rows.slice(0, MOST_STEPS).map(stepOf) }),
    () => ({ isAnswering: false, stuck: 0, steps: [] }),
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

function stepOf({ object, key, reason }: Record<string, string | null>): StuckStep {
  // The engine's own words stand before ours, and what it advises after them.
  const said = (reason ?? 'it does not say why').split('\n')[0] ?? '';
  return {
    object: object ?? '',
    key: key ?? '',
    reason: said.replace(/^(\[\d+[^\]]*\]|Error:|\s)+/, '').slice(0, 300),
  };
}

/** The lock that whoever serves a home holds, or changes it while nobody does. */
export function serveLock({ locks }: Pick<FleetHome, 'locks'>): string {
  return join(locks, 'serve');
}
