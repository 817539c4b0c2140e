import { describeFleet } from '../../fleet/home.ts';
import { standingOf } from '../../fleet/standing.ts';
import { fleetText } from '../text/fleet.ts';
import { momentOf } from '../text/time.ts';
import type { Verb } from '../verb.ts';

/** Whether a fleet is served from here, and all of it answers. */
export const serveStatus: Verb<object> = async (context) => {
  const { out, signal } = context;
  const standing = await standingOf(describeFleet(context.home()), signal);
  if (out.isJson) out.json(standing);
  else if (!standing.isServed) out.say(fleetText.notServed());
  else {
    out.line(
      fleetText.served(standing.url, momentOf(new Date(standing.since)), standing.pid, standing.version),
    );
    for (const { version, pid, calls, isAlive } of standing.leaving)
      out.say(isAlive ? fleetText.leaving(version, pid, calls) : fleetText.leftBehind(version, calls));
    if (!standing.engine.isAnswering) out.say(fleetText.engineSilent(), 'bad');
    if (standing.engine.stuck > 0) out.say(fleetText.stuck(standing.engine.stuck), 'bad');
  }
  return standing.isServed && standing.engine.isAnswering ? 0 : 1;
};
