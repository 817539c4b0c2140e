import type { Failure } from '../errors.ts';
import type { ProcessIdentity } from './process-identity.ts';
import { RecordStore } from './records.ts';

/** What their records are marked with. */
export const TUNNEL_MACHINE = 'tunnel@1';

/** What is kept of a tunnel: the wish, and what was last seen of it. */
export interface TunnelFacts {
  podId: string;
  keyPath: string;
  needsAgent: boolean;
  agentSocket: string | null;
  /** The process that needs it only for as long as it runs; null for a tunnel that stays. */
  neededBy: ProcessIdentity | null;
  /** Server the pod belongs to; the key is not kept. */
  apiUrl: string;
  /** Process id of ssh, for people; nothing is ever signalled because of it. */
  pid: number | null;
  local_port: number;
  remote_port: number;
  /** ISO 8601, UTC. */
  started_at: string;
  /** The ssh in use: its name in the runtime folder and where it went. */
  generation: { id: string; address: { host: string; port: number; user: string; bootId: string } } | null;
  /** How that ssh is trusted and watched; absent for one that an earlier autopod opened. */
  proof?: 'proven' | 'unproven' | 'none';
  watchedBy?: 'session' | 'http';
  failure: Failure | null;
  /** ISO 8601, UTC. */
  lastHealedAt?: string | null;
  lastDeath?: { at: string; failure: Failure } | null;
}

export type TunnelStore = RecordStore<TunnelFacts>;

export function tunnelStore(
  path: string,
  locks: string,
  onSetAside?: (from: string, to: string) => void,
): TunnelStore {
  return new RecordStore<TunnelFacts>({ path, locks, onSetAside });
}
