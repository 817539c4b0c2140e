import { AutopodError } from '../../errors.ts';
import type { StatelySender } from '../../inspector/stately-sender.ts';
import type { Outcome } from '../../lifecycle/drive.ts';
import type { PodRecordFacts } from '../../lifecycle/pod-records.ts';
import { pursue } from '../../lifecycle/pursue.ts';
import { usualDurations } from '../../lifecycle/usual.ts';
import type { Goal } from '../../machines/pod-types.ts';
import { aboutHolder } from '../../store/lock.ts';
import { requireKnownUser } from '../../user.ts';
import type { Context } from '../context.ts';
import { type AutoStopOptions, remindOfPlan } from '../money/schedule.ts';
import { text } from '../text.ts';
import { showProgress } from '../views/progress.ts';

export interface ReachOptions extends AutoStopOptions {
  jsonStream?: boolean;
  /** Sends the machine's events to an inspector of Stately's. */
  stately?: StatelySender | undefined;
}

// What tells a failure may be gone when it is needed; see Context.driving.
const tellingApart = () => import('../choosing/several.ts');

/** Which command brings a pod to a goal, whatever was begun. */
const RESUMED_BY: Record<Goal, string> = { ready: 'up', stopped: 'stop', terminated: 'kill' };

/** Brings a pod to a goal with progress on stderr; a follower shows the driver's progress. */
export async function reach(
  context: Context,
  recordId: string,
  goal: Goal,
  { jsonStream, stately, stopAfter, idleStop }: ReachOptions,
  changes: Partial<PodRecordFacts> = {},
): Promise<Outcome> {
  const { out, signal } = context;
  if (goal === 'ready') requireKnownUser();
  // A plan that was just asked for has been told already.
  const isPlanTold = (stopAfter ?? idleStop) !== undefined;
  if (goal === 'ready' && !isPlanTold) await remindOfPlan(context, recordId);
  const usual = out.isJson ? new Map() : usualDurations(await (await context.journal()).read());
  const progress = showProgress(out, usual);
  const resumeWith = (podId: string | null) => {
    context.resume = ['autopod', RESUMED_BY[goal], podId, ...asked(changes)].filter(Boolean).join(' ');
  };
  context.hasBegun = true;
  context.atWork = recordId;
  resumeWith((await (await context.pods()).get(recordId))?.facts.podId ?? null);
  const onState = (state: string, { podId, wish }: PodRecordFacts) => {
    resumeWith(podId);
    progress.onState(state, wish.volumeId !== undefined);
    if (jsonStream) out.jsonLine({ at: new Date().toISOString(), podId, state });
  };
  try {
    await tellingApart();
    const driving = await context.driving({ onState, tell: progress.tell, inspect: stately?.note });
    const outcome = await pursue(
      driving,
      {
        recordId,
        changes: { ...changes, goal },
        onFollowing: (driver) => out.say(text.following(aboutHolder(driver))),
        onUnmoved: (driver, isPassedOver) => out.say(text.unmoved(aboutHolder(driver), isPassedOver)),
      },
      signal,
    );
    const canGoOn = signal.aborted || outcome.failure?.code === 'timedOut';
    if (!canGoOn) {
      context.resume = undefined;
      context.atWork = undefined;
    }
    return outcome;
  } finally {
    progress.end();
  }
}

/** What was asked for this run alone, as the command line says it. */
function asked({ access }: Partial<PodRecordFacts>): string[] {
  if (!access) return [];
  return [
    ...(access.keepTunnel ? [] : ['--no-tunnel']),
    ...(access.isPortAsked ? ['--local-port', String(access.localPort)] : []),
  ];
}

/** Throws what a drive failed with, and the rate of a pod that is kept and costs. */
export async function throwFailure(context: Context, { failure, facts, state }: Outcome): Promise<void> {
  if (!failure) return;
  const podId = facts?.podId;
  if (state !== 'failed' || !podId) throw new AutopodError(failure.code, failure.detail);
  const pod = await (await context.runpod()).getPod(podId, context.signal).catch(() => undefined);
  const named = failure.code === 'timedOut' ? { podId } : {};
  throw new AutopodError(failure.code, { ...named, ...failure.detail, costPerHour: pod?.cost ?? undefined });
}
