import { AutopodError } from '../../errors.ts';
import type { PodRecordFacts } from '../../lifecycle/pod-records.ts';
import { observePod } from '../../services/runpod/pod-state.ts';
import { shellWord } from '../../shell-word.ts';
import { type AutoStop, mayBeGuarded, nextSeq, type StopPlan, toldPlan } from '../../store/plans.ts';
import type { Context } from '../context.ts';
import { FAILURE_WORDS } from '../text/failures.ts';
import { text } from '../text.ts';

/** As given on the command line: milliseconds, or `never`; undefined for what was not said. */
export interface AutoStopOptions {
  stopAfter?: number | 'never';
  idleStop?: number | 'never';
  ifAlone?: number | 'never';
  /** What is done when its time has come. */
  then?: 'stop' | 'kill' | 'keep';
  /** Milliseconds by which the time is put off. */
  extend?: number;
}

/** Throws `usage` where nobody would see whether the pod is used. */
export function requireTunnelFor({ idleStop, ifAlone }: AutoStopOptions, keepsTunnel: boolean): void {
  if (!keepsTunnel && ifAlone !== undefined && ifAlone !== 'never')
    throw new AutopodError('usage', {
      message: '--if-alone needs the tunnel, for this machine is heard of there; --no-tunnel keeps none.',
      next: 'Leave out --no-tunnel, or use --stop-after.',
    });
  if (keepsTunnel || idleStop === undefined) return;
  throw new AutopodError('usage', {
    message: '--idle-stop needs the tunnel, for the use of a pod is seen there; --no-tunnel keeps none.',
    next: 'Leave out --no-tunnel, or use --stop-after.',
  });
}

/**
 * Keeps in the pod's record when it is to be stopped by itself, has the keeper look after it, and says when. Time
 * counts from now. Without options it says nothing and changes nothing, unless the plan is a fresh one: then there is none.
 */
export async function schedule(
  context: Context,
  recordId: string,
  options: AutoStopOptions,
  isFresh = false,
): Promise<void> {
  const { stopAfter, idleStop, ifAlone, extend } = options;
  const isAsked = [stopAfter, idleStop, ifAlone, extend].some((one) => one !== undefined);
  if (!isAsked && !isFresh) return;
  const needs = isAsked ? await needsOf(context) : undefined;
  const pods = await context.pods();
  await pods.update(recordId, (record) => {
    if (!record) return undefined;
    const before = isFresh ? null : record.facts.autoStop;
    const plan = needs ? changed({ stopAt: null, idleMs: null, ...before, ...needs }, options) : null;
    const autoStop = plan && { ...plan, setAt: nextSeq(record.facts) };
    return { ...record, facts: { ...record.facts, autoStop, overdue: null } };
  });
  if (!isAsked) return;
  const { podId } = (await pods.get(recordId))?.facts ?? {};
  if (podId) await limitPlanned(context, podId);
  const cannot = await heed(context, recordId);
  const facts = (await pods.get(recordId))?.facts;
  if (!facts) return;
  // The guard in a pod that runs has the plan by now as well, or the words say that it has not.
  const guard = facts.podId ? await (await context.keeper()).arm(facts.podId, context.signal) : null;
  const plan = toldPlan({ ...facts, guard: guard ?? facts.guard });
  if (plan) context.out.say(text.autoStop(nameOf(facts), facts.podId ? plan : { ...plan, guard: undefined }));
  else context.out.say(text.noAutoStop());
  if (!plan && facts.podId && mayBeGuarded({ guard: guard ?? facts.guard }))
    context.out.say(text.guardStays(facts.podId), 'bad');
  if (plan && cannot) context.out.say(cannot, 'bad');
}

/**
 * For a pod that is to run: the keeper looks after its plan from now on, and the user is reminded. A plan whose time
 * was up while the pod was stopped is over.
 */
export async function remindOfPlan(context: Context, recordId: string): Promise<void> {
  const { out, signal } = context;
  const pods = await context.pods();
  const facts = (await pods.get(recordId))?.facts;
  if (!facts?.autoStop) return;
  const { autoStop, overdue, podId, guard } = facts;
  const isOverdue = autoStop.stopAt !== null && Date.parse(autoStop.stopAt) < Date.now();
  const pod =
    isOverdue && podId ? await (await context.runpod()).getPod(podId, signal).catch(() => null) : null;
  if (pod && observePod(pod).condition === 'stopped') {
    const isOver = autoStop.idleMs === null && !autoStop.aloneMs;
    const setAt = nextSeq({ autoStop, guard });
    const plan = isOver ? null : { ...autoStop, stopAt: null, limitUsd: null, setAt };
    await pods.update(
      recordId,
      (record) => record && { ...record, facts: { ...record.facts, autoStop: plan, overdue: null } },
    );
    out.say(plan ? text.autoStop(nameOf(facts), plan) : text.noAutoStop());
    return;
  }
  const cannot = await heed(context, recordId);
  // The guard's part is told once the pod runs.
  const told = { ...(toldPlan({ autoStop, overdue }) ?? autoStop), guard: undefined };
  out.say(
    isOverdue && podId && !overdue
      ? `${text.planStays(podId, told)} ${text.moreTime(podId)}`
      : text.autoStop(nameOf(facts), told),
  );
  if (cannot) out.say(cannot, 'bad');
}

/** How a command line says which pod is meant, also before there is one. */
function nameOf({ podId, wish }: PodRecordFacts): string {
  return podId ?? shellWord(wish.name);
}

/** A pod that runs is stopped by `max_per_launch` all the same; one that is still to start, once it does. */
async function limitPlanned(context: Context, podId: string): Promise<void> {
  const { env } = await context.driving({ onState: () => undefined, tell: () => undefined });
  await env.limitLaunch(podId, context.signal).catch((error: unknown) => {
    if (!(error instanceof AutopodError)) throw error;
  });
}

/** Has the keeper look after the plan; what keeps it from doing so, in words. */
async function heed(context: Context, recordId: string): Promise<string | undefined> {
  const { apiUrl, apiKey } = await context.config();
  const failure = await (await context.keeper()).heedPlan(recordId, { apiUrl, apiKey }, context.signal);
  if (!failure) return undefined;
  const { what, why } = FAILURE_WORDS[failure.code](failure.detail);
  return text.keeperCannot([what, why].filter(Boolean).join(' '));
}

async function needsOf(context: Context): Promise<Omit<StopPlan, keyof AutoStop>> {
  const { apiUrl } = await context.config();
  const { path: keyPath, needsAgent, agentSocket = null } = await context.privateKey();
  return { apiUrl, keyPath, needsAgent, agentSocket };
}

/** What these options make of a plan; null where nothing is left of it. */
export function changed<Plan extends AutoStop>(plan: Plan, options: AutoStopOptions): Plan | null {
  const { stopAfter, idleStop, ifAlone, extend } = options;
  const asked = (value: number | 'never' | undefined, before: number | null) =>
    value === undefined ? before : value === 'never' ? null : value;
  const later = (ms: number) => new Date(Date.now() + ms).toISOString();
  const leftMs = plan.stopAt === null ? 0 : Math.max(0, Date.parse(plan.stopAt) - Date.now());
  const stopAt =
    extend !== undefined
      ? later(leftMs + extend)
      : stopAfter === undefined
        ? plan.stopAt
        : stopAfter === 'never'
          ? null
          : later(stopAfter);
  const idleMs = asked(idleStop, plan.idleMs);
  const aloneMs = asked(ifAlone, plan.aloneMs ?? null);
  if (stopAt === null && idleMs === null && aloneMs === null) return null;
  const limitUsd = stopAfter === undefined && extend === undefined ? plan.limitUsd : null;
  const isForGood = options.then === undefined ? plan.isForGood : options.then === 'kill';
  return { ...plan, stopAt, idleMs, aloneMs, limitUsd, isForGood };
}
