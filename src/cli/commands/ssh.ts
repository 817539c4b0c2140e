import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { AutopodError } from '../../errors.ts';
import type { TunnelView } from '../../keeper/client.ts';
import { meantBy } from '../../lifecycle/choose.ts';
import type { SshAddress } from '../../machines/tunnel.ts';
import { observePod } from '../../services/runpod/pod-state.ts';
import { shellArguments, sshEnvironment } from '../../services/ssh/args.ts';
import { choosePod } from '../choosing/pod-argument.ts';
import type { Context } from '../context.ts';
import type { Verb } from '../verb.ts';

/**
 * A shell on the pod, or one command. Over the tunnel's connection where there is a healthy one, so that it opens
 * in one round trip, asks RunPod nothing, and goes to whom has proven to be the pod. A connection of its own proves
 * nothing, so none is made where the tunnel has found somebody else. The exit code is ssh's.
 */
export const ssh: Verb<{ command?: string }> = async (context, named, { command }) => {
  const tunnel = await healthyTunnel(context, named);
  const { podId, address } = tunnel ?? (await whereItIs(context, named));
  const key = await context.privateKey();
  const target = {
    ...address,
    podId,
    keyPath: key.path,
    needsAgent: key.needsAgent,
    knownHostsPath: join(context.home().knownHosts, podId),
  };
  const args = shellArguments(target, command, tunnel?.controlPath);
  process.umask(0o077);
  const child = spawn('ssh', args, { stdio: 'inherit', env: sshEnvironment(context.env) });
  const [code] = await once(child, 'close');
  return code ?? 1;
};

type Reachable = TunnelView & { address: SshAddress };

// None is taken where more than one pod could be meant.
async function healthyTunnel(context: Context, named: string | undefined): Promise<Reachable | undefined> {
  const records = Object.entries(await (await context.pods()).all());
  const meant = named === undefined ? records : meantBy(records, named);
  if (meant.length !== 1) return undefined;
  const views = await (await context.keeper()).tunnels(context.signal);
  const view = views.find(({ podId }) => podId === meant[0]?.[1].facts.podId);
  if (view?.failure?.code === 'podUnproven') throw new AutopodError(view.failure.code, view.failure.detail);
  return view?.state === 'healthy' && view.address ? { ...view, address: view.address } : undefined;
}

async function whereItIs(
  context: Context,
  named: string | undefined,
): Promise<{ podId: string; address: SshAddress }> {
  const { podId } = await choosePod(context, named);
  const seen = observePod(await (await context.runpod()).getPod(podId, context.signal));
  if (seen.condition !== 'running' || !seen.ssh) throw new AutopodError('podNotRunning', { podId });
  return { podId, address: { ...seen.ssh, bootId: seen.bootId } };
}
