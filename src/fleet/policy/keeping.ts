import { type PodRecordFacts, savedState } from '../../lifecycle/pod-records.ts';
import { nextSeq, type StopPlan } from '../../store/plans.ts';
import type { AskRequest } from '../engine/durable.ts';
import type { Tick } from '../engine/ticker.ts';
import type { Fleet } from '../pods/fleet.ts';
import { POD_OBJECT } from '../pods/names.ts';
import type { Policy } from './policy.ts';
import { quietFrom } from './quiet.ts';

/** States in which a pod costs nothing, or is on its way there. */
const RESTING = ['stopping', 'stopped', 'terminating', 'terminated'];
/** Milliseconds a stop that is due has. */
const STOP_MS = 10 * 60_000;
/** A plan's time that is only that much off is the same one, in milliseconds. */
const SAME_MS = 60_000;

/**
 * Looks at one pod: keeps in its record what the fleet has planned for it, which is what the server's keeper and the guard
 * in the pod go by, and has it stopped where the keeper says that nobody uses it, or that its hours are over.
 */
export async function keepToPolicy(fleet: Fleet, launchId: string): Promise<Tick> {
  const record = await fleet.pods.get(launchId);
  if (!record || RESTING.includes(savedState(record))) return { nextMs: null };
  const nextMs = fleet.timings.policyLookMs;
  const plan = await planOf(fleet, record.facts);
  if (!isSame(record.facts.autoStop ?? null, plan)) await keepPlan(fleet, launchId, plan);
  const { podId } = record.facts;
  // A launch that has none asks for this again when it has.
  if (podId === null) return { nextMs: null };
  if (!plan) return { nextMs };
  if (savedState(record) === 'ready' && (await hasStopped(fleet, podId)))
    return { nextMs, tells: stop(launchId, 'the pod itself') };
  const due = await fleet.keeper.whatIsDue(podId);
  // The time that was asked for rings by itself, whether or not a job runs.
  const isAsked = due?.kind === 'time' && plan.why === undefined;
  if (!due || isAsked) return { nextMs };
  return { nextMs, tells: stop(launchId, due.kind === 'idle' ? 'idle_stop' : 'quiet_hours') };
}

function stop(launchId: string, who: string): Tick['tells'] {
  const json: AskRequest = {
    event: { type: 'stop.requested' },
    asker: { who, until: Date.now() + STOP_MS },
  };
  return { object: POD_OBJECT, key: launchId, handler: 'ask', json };
}

/** The guard in it has stopped it, or somebody at RunPod: the keeper's tunnel waits for it. */
async function hasStopped({ keeper }: Fleet, podId: string): Promise<boolean> {
  return (await keeper.seen()).some((tunnel) => tunnel.podId === podId && tunnel.state === 'waitingForPod');
}

/** When a pod is to be stopped: the earlier of what was asked for it and what holds for all. */
async function planOf(fleet: Fleet, facts: PodRecordFacts): Promise<StopPlan | null> {
  const policy = await fleet.policies.read();
  const now = Date.now();
  const quietAt = policy.quiet && quietFrom(policy.quiet, now);
  const askedAt = facts.stopAt ? Date.parse(facts.stopAt) : null;
  const isQuietFirst = quietAt !== null && quietAt < (askedAt ?? Number.POSITIVE_INFINITY);
  const stopAt = isQuietFirst ? new Date(quietAt).toISOString() : (facts.stopAt ?? null);
  const idleMs = idleOf(policy, facts);
  if (stopAt === null && idleMs === null) return null;
  const { path: keyPath, needsAgent, agentSocket = null } = await fleet.privateKey();
  const { apiUrl } = fleet.account;
  return {
    stopAt,
    idleMs,
    ...(isQuietFirst && { why: 'the quiet hours began' }),
    isCarriedOutElsewhere: true,
    apiUrl,
    keyPath,
    needsAgent,
    agentSocket,
  };
}

function idleOf({ idleMs }: Policy, { idleStopMs = null }: PodRecordFacts): number | null {
  const all = [idleMs, idleStopMs].filter((one) => one !== null);
  return all.length > 0 ? Math.min(...all) : null;
}

function isSame(before: StopPlan | null, after: StopPlan | null): boolean {
  if (before === null || after === null) return before === after;
  const [a, b] = [before.stopAt, after.stopAt].map((at) => (at === null ? 0 : Date.parse(at)));
  const isMoved = Math.abs((a ?? 0) - (b ?? 0)) >= (after.why === undefined ? 1 : SAME_MS);
  return !isMoved && before.idleMs === after.idleMs && before.why === after.why;
}

async function keepPlan(
  { pods, keeper, account }: Fleet,
  launchId: string,
  plan: StopPlan | null,
): Promise<void> {
  await pods.update(
    launchId,
    (saved) =>
      saved && {
        ...saved,
        facts: { ...saved.facts, autoStop: plan && { ...plan, setAt: nextSeq(saved.facts) } },
      },
  );
  if (plan) await keeper.heedPlan(launchId, account);
}
