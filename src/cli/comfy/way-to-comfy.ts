import { AutopodError } from '../../errors.ts';
import type { TunnelView } from '../../keeper/client.ts';
import { comfyElsewhere } from '../../lifecycle/other-answer.ts';
import { observePod } from '../../services/runpod/pod-state.ts';
import { choosePod } from '../choosing/pod-argument.ts';
import type { Context } from '../context.ts';
import { text } from '../text.ts';
import { tunnelTo } from './tunnel-to.ts';

export interface WayOptions {
  localPort?: number | 'auto';
}

/**
 * The pod a `comfy` command is about, and its tunnel: the one that stands, or one opened now. For a stopped pod none
 * is opened. Throws `podNotRunning`.
 */
export async function wayToComfy(
  context: Context,
  named: string | undefined,
  { localPort }: WayOptions,
): Promise<{ podId: string; tunnel: TunnelView }> {
  const { podId } = await choosePod(context, named, { needsKey: true });
  const standing = await viewOf(context, podId);
  if (!standing || standing.state === 'waitingForPod') await requireRunning(context, podId);
  const isThere = standing !== undefined && !standing.isTemporary;
  if (isThere && typeof localPort === 'number' && localPort !== standing.localPort) {
    throw new AutopodError('usage', {
      message: `--local-port ${localPort}: the tunnel to pod ${podId} is at localhost:${standing.localPort}, and a comfy command moves none.`,
      next: `Leave it out, or move the tunnel first: autopod tunnel ${podId} --local-port ${localPort}`,
    });
  }
  const tunnel = await tunnelTo(context, podId, isThere ? undefined : localPort);
  if (!isThere) context.out.say(text.tunnelOpened(podId, tunnel.localPort));
  return { podId, tunnel };
}

/** The tunnel as it is. Throws what keeps it from ever standing: a stopped pod, or what it has failed with. */
export async function failIfHopeless(context: Context, podId: string): Promise<TunnelView | undefined> {
  const view = await viewOf(context, podId);
  if (view?.state === 'failed' && view.failure)
    throw new AutopodError(view.failure.code, view.failure.detail);
  if (view?.state === 'waitingForPod') await requireRunning(context, podId);
  return view;
}

/**
 * Why ComfyUI has not answered in time, as a failure to throw: ssh does not reach the pod, or, where it does, ComfyUI
 * is still starting. Throws what `failIfHopeless` does.
 */
export async function whySilent(context: Context, podId: string): Promise<AutopodError> {
  const view = await failIfHopeless(context, podId);
  if (view?.comfy === 'other') return comfyElsewhere(view);
  if (view?.state !== 'healthy') {
    const seen = await requireRunning(context, podId);
    const failure = view?.failure ?? view?.lastDeath?.failure;
    const isUp = seen.condition === 'running' && seen.ssh !== undefined;
    if (isUp)
      return new AutopodError('sshUnreachable', { podId, detail: view?.trouble ?? failure?.detail.detail });
  }
  return new AutopodError('comfyTimedOut', { podId });
}

async function requireRunning(context: Context, podId: string) {
  const seen = observePod(await (await context.runpod()).getPod(podId, context.signal));
  if (seen.condition === 'gone') throw new AutopodError('podGone', { podId });
  if (seen.condition === 'stopped') throw new AutopodError('podNotRunning', { podId });
  if (!seen.hasSshPort) throw new AutopodError('podWithoutSsh', { podId });
  return seen;
}

async function viewOf(context: Context, podId: string): Promise<TunnelView | undefined> {
  const views = await (await context.keeper()).tunnels(context.signal);
  return views.find((view) => view.podId === podId);
}
