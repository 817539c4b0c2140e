import { AutopodError } from '../../errors.ts';
import { toldPlan } from '../../store/plans.ts';
import { durationMs } from '../arguments/options.ts';
import { choosePod } from '../choosing/pod-argument.ts';
import { schedule } from '../money/schedule.ts';
import type { Verb } from '../verb.ts';

/** Puts off the time at which a pod is stopped: for the keeper and for the guard in the pod, which go by one plan. */
export const extend: Verb<object> = async (context, first, _options, second) => {
  const { named, ms } = lengthAsked(first, second);
  const { recordId, podId } = await choosePod(context, named);
  await schedule(context, recordId, { extend: ms });
  const facts = (await (await context.pods()).get(recordId))?.facts;
  if (context.out.isJson) context.out.json({ podId, autoStop: (facts && toldPlan(facts)) ?? null });
  return 0;
};

/** By how much, in milliseconds, and which pod; the pod may be left out: the duration is the last word. */
export function lengthAsked(
  first: string | undefined,
  second: string | undefined,
): { named: string | undefined; ms: number } {
  const [named, duration] = second === undefined ? [undefined, first] : [first, second];
  if (duration === undefined)
    throw new AutopodError('usage', {
      message: 'extend needs to know how much longer.',
      next: 'For one hour: autopod extend 1h',
    });
  return { named, ms: lengthOf(duration) };
}

function lengthOf(duration: string): number {
  try {
    return durationMs(duration);
  } catch (error) {
    throw new AutopodError('usage', {
      message: `“${duration}” is no duration: ${(error as Error).message}`,
      next: 'Such as 30m, 1h or 90m.',
    });
  }
}
