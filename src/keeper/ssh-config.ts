import { join } from 'node:path';
import { hostBlock } from '../services/ssh/args.ts';
import type { Tunnel } from './tunnel.ts';

/**
 * The ssh configuration of every pod with a tunnel, so that scp, rsync and editors find it where it is now:
 * `autopod-<pod>`, `autopod-<name>` where no other has that name, and `autopod` for the only one.
 */
export function sshConfig(
  tunnels: Pick<Tunnel, 'view' | 'wish'>[],
  knownHosts: string,
  nameOf: (podId: string) => string | undefined = () => undefined,
): string {
  const hosts = tunnels.map(({ view: { podId } }) => hostNamed(nameOf(podId) ?? ''));
  const ids = tunnels.map(({ view: { podId } }) => `autopod-${podId}`);
  const isOne = (host: string | undefined) =>
    hosts.filter((other) => other === host).length === 1 && !ids.includes(host ?? '');
  const blocks = tunnels.flatMap(({ view: { podId, address, controlPath }, wish }, index) => {
    if (!address || !controlPath) return [];
    const host = hosts[index];
    const own = host !== undefined && isOne(host) ? [host] : [];
    const names = [`autopod-${podId}`, ...own, ...(tunnels.length === 1 ? ['autopod'] : [])];
    const { keyPath, needsAgent } = wish;
    const target = { ...address, podId, keyPath, needsAgent, knownHostsPath: join(knownHosts, podId) };
    return hostBlock(names, target, controlPath);
  });
  return ['# Written by autopod whenever a tunnel changes; changes made here are lost.', ...blocks].join(
    '\n',
  );
}

/** A pod's name as a word of ssh's configuration, where a space ends one and a star fits all. */
function hostNamed(name: string): string | undefined {
  const word = name.replaceAll(/[^A-Za-z0-9._-]+/g, '-').replaceAll(/^-+|-+$/g, '');
  if (word === '') return undefined;
  return word.startsWith('autopod-') ? word : `autopod-${word}`;
}
