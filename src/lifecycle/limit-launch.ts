import type { KeeperClient, OpenRequest } from '../keeper/client.ts';
import type { Limits } from '../services/limits.ts';
import type { RunPod } from '../services/runpod/client.ts';
import { observePod } from '../services/runpod/pod-state.ts';
import type { PrivateKey } from '../services/ssh/key.ts';
import { nextSeq, type StopPlan } from '../store/plans.ts';
import { budgetDeadline, withinBudget } from './launch-budget.ts';
import type { PodStore } from './pod-records.ts';

export interface LimitLaunchContext {
  limits: Limits;
  pods: PodStore;
  runpod: RunPod;
  keeper: Pick<KeeperClient, 'heedPlan'>;
  account: OpenRequest['account'];
  privateKey: () => Promise<PrivateKey>;
}

/**
 * Has a pod stopped when it has cost `max_per_launch` since its start, unless it is to be stopped before that. Answers
 * the plan if it is another one now. Safe to run twice.
 */
export async function limitLaunch(
  context: LimitLaunchContext,
  podId: string,
  signal: AbortSignal,
): Promise<StopPlan | undefined> {
  const { limits, pods, runpod, keeper, account } = context;
  const { maxPerLaunch } = limits;
  if (maxPerLaunch === undefined) return undefined;
  const { costPerHour, uptimeSeconds } = observePod(await runpod.getPod(podId, signal));
  const deadline = budgetDeadline({ maxPerLaunch, costPerHour, uptimeSeconds, now: Date.now() });
  if (deadline === null) return undefined;
  const needs = await needsOf(context);
  let plan: StopPlan | undefined;
  const [recordId] = Object.entries(await pods.all()).find(([, { facts }]) => facts.podId === podId) ?? [];
  if (recordId === undefined) return undefined;
  await pods.update(recordId, (saved) => {
    if (!saved) return undefined;
    const before = saved.facts.autoStop;
    const after = withinBudget({ stopAt: null, idleMs: null, ...needs, ...before }, deadline, maxPerLaunch);
    if (before && after.stopAt === before.stopAt) return saved;
    plan = { ...after, setAt: nextSeq(saved.facts) };
    return { ...saved, facts: { ...saved.facts, autoStop: plan } };
  });
  if (plan) await keeper.heedPlan(recordId, account, signal);
  return plan;
}

async function needsOf({ account, privateKey }: LimitLaunchContext) {
  const { path: keyPath, needsAgent, agentSocket = null } = await privateKey();
  return { apiUrl: account.apiUrl, keyPath, needsAgent, agentSocket };
}
