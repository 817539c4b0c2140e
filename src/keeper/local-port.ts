import { AutopodError } from '../errors.ts';
import type { KeeperClient } from './client.ts';
import { Front } from './front.ts';

/**
 * Throws `localPortTaken` when a tunnel to a pod that is yet to be created could not have this port: another
 * program holds it, or another pod's tunnel. One that waits for a stopped pod gives it up.
 */
export async function requireFreePort(port: number, keeper: KeeperClient): Promise<void> {
  const held = (await keeper.tunnels()).find(
    (tunnel) => tunnel.localPort === port && tunnel.state !== 'stopped',
  );
  if (held?.state === 'waitingForPod') return;
  if (held) throw new AutopodError('localPortTaken', { port, podId: held.podId });
  const front = new Front({ holdMs: 0, explain: () => ({ state: '', title: '', advice: '' }) });
  await front.listen(port);
  await front.close();
}
