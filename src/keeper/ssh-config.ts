import { join } from 'node:path';
import { hostBlock } from '../services/ssh/args.ts';
import type { Tunnel } from './tunnel.ts';

/**
 * The ssh configuration of every pod with a tunnel, so that scp, rsync and editors find it where it is now:
 * `autopod-<pod>`, and `autopod` for the only one.
 */
export function sshConfig(tunnels: Pick<Tunnel, 'view' | 'wish'>[], knownHosts: string): string {
  const blocks = tunnels.flatMap(({ view: { podId, address, controlPath }, wish }) => {
    if (!address || !controlPath) return [];
    const names = [`autopod-${podId}`, ...(tunnels.length === 1 ? ['autopod'] : [])];
    const { keyPath, needsAgent } = wish;
    const target = { ...address, podId, keyPath, needsAgent, knownHostsPath: join(knownHosts, podId) };
    return hostBlock(names, target, controlPath);
  });
  return ['# Written by autopod whenever a tunnel changes; changes made here are lost.', ...blocks].join(
    '\n',
  );
}
