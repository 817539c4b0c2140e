import { readFileSync } from 'node:fs';
import type { Home } from '../store/home.ts';

/** The pods whose tunnels are wanted according to the disk. */
export function wantedTunnels(home: Home): string[] {
  return savedTunnels(home).map(({ podId }) => podId);
}

/** What is wanted according to the disk; read without the store, so that a status costs no library. */
export function savedTunnels({ tunnels: path }: Home) {
  const records = readRecords(path);
  return Object.values(records).map(({ facts, savedAt }) => ({
    podId: String(facts.podId),
    state: 'dead' as const,
    since: savedAt,
    localPort: Number(facts.local_port),
    remotePort: Number(facts.remote_port),
    comfy: 'unknown' as const,
    bytesIn: 0,
    bytesOut: 0,
    startedAt: String(facts.started_at),
    isTemporary: Boolean(facts.neededBy),
  }));
}

function readRecords(path: string): Record<string, { facts: Record<string, unknown>; savedAt: string }> {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).records ?? {};
  } catch {
    return {}; // none yet, or unreadable: the keeper sets it aside when it starts
  }
}
