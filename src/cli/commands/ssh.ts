import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { AutopodError } from '../../errors.ts';
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
  const tunnel = await tunnelOfKnown(context, named);
  const { podId, address, controlPath } = tunnel ?? (await wayTo(context, named));
  const key = await context.privateKey();
  const target = {
    ...address,
    podId,
    keyPath: key.path,
    needsAgent: key.needsAgent,
    knownHostsPath: join(context.home().knownHosts, podId),
  };
  const args = shellArguments(target, command, controlPath);
  process.umask(0o077);
  const child = spawn('ssh', args, { stdio: 'inherit', env: sshEnvironment(context.env) });
  const [code] = await once(child, 'close');
  return code ?? 1;
};

/** How ssh gets to a pod: over the connection of its tunnel, where there is a control path. */
interface WayIn {
  podId: string;
  address: SshAddress;
  controlPath?: string | undefined;
}

// RunPod is not asked about a pod that is named by its id, nor about the only one on record. A name several may have.
async function tunnelOfKnown(context: Context, named: string | undefined): Promise<WayIn | undefined> {
  const records = Object.entries(await (await context.pods()).all());
  const meant = records.filter(([id, { facts }]) => named === undefined || [id, facts.podId].includes(named));
  const podId = meant.length === 1 ? meant[0]?.[1].facts.podId : undefined;
  return podId ? healthyTunnel(context, podId) : undefined;
}

async function healthyTunnel(context: Context, podId: string): Promise<WayIn | undefined> {
  const views = await (await context.keeper()).tunnels(context.signal);
  const view = views.find((one) => one.podId === podId);
  if (view?.failure?.code === 'podUnproven') throw new AutopodError(view.failure.code, view.failure.detail);
  return view?.state === 'healthy' && view.address ? { ...view, address: view.address } : undefined;
}

async function wayTo(context: Context, named: string | undefined): Promise<WayIn> {
  const { podId } = await choosePod(context, named, { needsKey: true });
  const tunnel = await healthyTunnel(context, podId);
  if (tunnel) return tunnel;
  const seen = observePod(await (await context.runpod()).getPod(podId, context.signal));
  if (seen.condition === 'gone') throw new AutopodError('podGone', { podId });
  if (seen.condition === 'broken') throw new AutopodError('podBroken', { podId });
  if (seen.condition === 'stopped') throw new AutopodError('podNotRunning', { podId });
  if (!seen.hasSshPort) throw new AutopodError('podWithoutSsh', { podId });
  if (!seen.ssh) {
    const isRunning = seen.condition === 'running';
    const detail = isRunning ? 'RunPod has given it no public ssh port yet.' : 'It is still starting.';
    throw new AutopodError('sshUnreachable', { podId, detail });
  }
  return { podId, address: { ...seen.ssh, bootId: seen.bootId } };
}
