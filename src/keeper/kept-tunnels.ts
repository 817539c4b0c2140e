import type { TunnelState, TunnelWish } from '../machines/tunnel.ts';
import { RECORD_SCHEMA } from '../store/record-schema.ts';
import type { StoredRecord } from '../store/records.ts';
import { TUNNEL_MACHINE, type TunnelFacts, type TunnelStore } from '../store/tunnels.ts';

/** Whether this autopod can take up a kept tunnel; that of a later one is its own. */
export function isOurs({ schema, machine }: { schema: number; machine: string }): boolean {
  return schema <= RECORD_SCHEMA && machine === TUNNEL_MACHINE;
}

/** What is kept of a tunnel now, for `TunnelStore`. */
export function tunnelRecord(facts: TunnelFacts, state: TunnelState): StoredRecord<TunnelFacts> {
  const snapshot = { value: state };
  return {
    schema: RECORD_SCHEMA,
    machine: TUNNEL_MACHINE,
    facts,
    snapshot,
    savedAt: new Date().toISOString(),
  };
}

/** What was wanted of a kept tunnel. */
export function wishOf({
  podId,
  keyPath,
  needsAgent,
  agentSocket,
  neededBy,
  local_port,
  remote_port,
}: TunnelFacts): TunnelWish {
  const ports = { localPort: local_port, remotePort: remote_port };
  return { podId, ...ports, keyPath, needsAgent, agentSocket, neededBy };
}

/** Forgets those of ours that are wanted no more. */
export function keepOnly(store: TunnelStore, isWanted: (podId: string) => boolean): Promise<void> {
  return store.transact((records) => {
    for (const [podId, record] of Object.entries(records))
      if (isOurs(record) && !isWanted(podId)) delete records[podId];
  });
}
