import { setTimeout as sleep } from 'node:timers/promises';
import { AutopodError } from '../errors.ts';
import type { TunnelView } from '../keeper/client.ts';
import type { PodFacts } from '../machines/pod-types.ts';
import { isAnswering } from '../services/comfyui/status.ts';
import { ComfyLog } from '../services/comfyui-log.ts';
import { observePod } from '../services/runpod/pod-state.ts';
import type { Environment } from './environment.ts';
import { findPod } from './look.ts';
import { openTunnel } from './open-tunnel.ts';
import { comfyElsewhere, OtherAnswer } from './other-answer.ts';
import { containerLog, type Witness, withPodLog } from './pod-log.ts';

/** Milliseconds one question may take; less where the deadline comes before. */
const QUESTION_MS = 10_000;

/**
 * Opens the tunnel the user will use and waits for a 200 from ComfyUI through it (I4). With `--no-tunnel` a
 * temporary tunnel on a free port does, and the answer is a null port.
 */
export async function awaitComfyUI(
  env: Environment,
  facts: PodFacts,
  witness: Witness,
  signal: AbortSignal,
): Promise<{ localPort: number | null }> {
  const podId = facts.podId ?? '';
  const { keepTunnel } = facts.access;
  const wanted = keepTunnel
    ? { localPort: await portFor(env, facts, signal) }
    : { localPort: 'auto' as const, neededBy: await env.self() };
  // The pod whose place this one takes gives way at the local port, which answers for it until then.
  if (facts.replaces) await env.keeper.close(facts.replaces.podId, signal);
  const tunnel = await openTunnel(env, { podId, ...wanted }, signal);
  const { tookPortFrom } = tunnel;
  if (tookPortFrom) env.tell({ kind: 'tookPort', podId: tookPortFrom, localPort: tunnel.localPort });
  const log = new ComfyLog();
  await withPodLog(
    env,
    podId,
    containerLog(witness),
    signal,
    () => untilAnswering(env, facts, tunnel, log, signal),
    (line) => log.read(line),
  );
  await tellUnlessProven(env, podId, signal);
  // A pod with a plan is watched from inside before it counts as ready.
  const guard = await env.keeper.arm(podId, signal).catch(() => null);
  signal.throwIfAborted();
  if (guard && (guard.state !== 'unarmed' || guard.last)) env.tell({ kind: 'guard', podId, guard });
  if (keepTunnel) return { localPort: tunnel.localPort };
  if (tunnel.isTemporary) await env.keeper.close(podId, signal);
  return { localPort: null };
}

/** The port that is asked for; else that of the tunnel that stands, which somebody may have moved; else the one it had. */
async function portFor(
  { keeper }: Environment,
  { podId, access }: PodFacts,
  signal: AbortSignal,
): Promise<number | 'auto'> {
  if (access.isPortAsked) return access.localPort;
  const standing = (await keeper.tunnels(signal)).find((view) => view.podId === podId && !view.isTemporary);
  return standing?.localPort ?? access.localPort;
}

async function untilAnswering(
  env: Environment,
  facts: PodFacts,
  tunnel: TunnelView,
  log: ComfyLog,
  signal: AbortSignal,
): Promise<void> {
  const other = new OtherAnswer(env.timings.otherAnswerMs);
  const questionMs = () => Math.max(1, Math.min(QUESTION_MS, env.deadline.leftMs));
  while (!(await isAnswering(tunnel.localPort, signal, questionMs()))) {
    const view = await failIfHopeless(env, facts, signal);
    const verdict = log.verdict(tunnel.podId, env.timings.gpuDoubtMs) ?? other.verdict(view);
    if (verdict) throw verdict;
    if (env.deadline.isOver) throw await whySilent(env, tunnel.podId, log.hasBeenUp, signal);
    await sleep(Math.min(env.timings.comfyPollMs, env.deadline.leftMs), undefined, { signal });
  }
}

async function tellUnlessProven(env: Environment, podId: string, signal: AbortSignal): Promise<void> {
  const view = (await env.keeper.tunnels(signal)).find((one) => one.podId === podId);
  if (view?.proof === 'unproven' && view.watchedBy)
    env.tell({ kind: 'unproven', podId, watchedBy: view.watchedBy });
}

/** ssh does not reach the pod, or, where it does, ComfyUI does not answer. */
async function whySilent(
  env: Environment,
  podId: string,
  hasBeenUp: boolean,
  signal: AbortSignal,
): Promise<AutopodError> {
  const view = (await env.keeper.tunnels(signal)).find((one) => one.podId === podId);
  if (view?.comfy === 'other') return comfyElsewhere(view);
  if (!view || view.state === 'healthy') return new AutopodError('comfyTimedOut', { podId, hasBeenUp });
  const { detail } = view.failure?.detail ?? view.lastDeath?.failure.detail ?? {};
  return new AutopodError('sshUnreachable', { podId, detail: view.trouble ?? detail });
}

/** The answer is the pod's tunnel, if there is one. */
async function failIfHopeless(
  env: Environment,
  facts: PodFacts,
  signal: AbortSignal,
): Promise<TunnelView | undefined> {
  const podId = facts.podId ?? '';
  const tunnel = (await env.keeper.tunnels(signal)).find((view) => view.podId === podId);
  if (tunnel?.state === 'failed' && tunnel.failure) {
    throw new AutopodError(tunnel.failure.code, tunnel.failure.detail);
  }
  // The tunnel of a pod that is gone has ended.
  if (tunnel && tunnel.state !== 'waitingForPod') return tunnel;
  const pod = await findPod(env, facts, signal);
  if (!pod) throw new AutopodError('podGone', { podId });
  if (observePod(pod).condition === 'stopped') throw new AutopodError('podNotRunning', { podId });
  return tunnel;
}
