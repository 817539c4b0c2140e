import { lengthAsked } from '../commands/extend.ts';
import { fleetText } from '../text/fleet.ts';
import { momentOf } from '../text/time.ts';
import type { Verb } from '../verb.ts';
import { clientFor, podMeant } from './way.ts';

/** Puts off the time at which the fleet stops a pod. */
export const extend: Verb<object> = async (context, first, _options, second) => {
  const { named, ms } = lengthAsked(first, second);
  const { podId, name, stopAt, autoStop } = await clientFor(context).plan(await podMeant(context, named), {
    extendMs: ms,
  });
  if (context.out.isJson) context.out.json({ podId, stopAt, autoStop });
  else if (stopAt) context.out.line(fleetText.planned(podId ?? name, momentOf(new Date(stopAt))));
  return 0;
};
