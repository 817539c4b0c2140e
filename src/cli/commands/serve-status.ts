import { describeFleet } from '../../fleet/home.ts';
import { standingOf } from '../../fleet/standing.ts';
import { placeWords } from '../../fleet/storage/settings.ts';
import { type StorageStanding, storageStanding } from '../../fleet/storage/standing.ts';
import { fleetText } from '../text/fleet.ts';
import { standingLines } from '../text/storage.ts';
import { momentOf } from '../text/time.ts';
import type { Verb } from '../verb.ts';

/** Whether a fleet is served from here, and all of it answers. */
export const serveStatus: Verb<object> = async (context) => {
  const { out, signal } = context;
  const home = describeFleet(context.home());
  const standing = await standingOf(home, signal);
  const storage = standing.isServed ? await storageStanding(home) : undefined;
  if (out.isJson) out.json({ ...standing, ...(storage && { storage: storageJson(storage) }) });
  else if (!standing.isServed) out.say(fleetText.notServed());
  else {
    out.line(
      fleetText.served(standing.url, momentOf(new Date(standing.since)), standing.pid, standing.version),
    );
    for (const { version, pid, calls, isAlive } of standing.leaving)
      out.say(isAlive ? fleetText.leaving(version, pid, calls) : fleetText.leftBehind(version, calls));
    if (!standing.engine.isAnswering) out.say(fleetText.engineSilent(), 'bad');
    const { stuck, steps } = standing.engine;
    if (stuck > 0) out.say(fleetText.stuck(stuck), 'bad');
    for (const step of steps) out.say(fleetText.stuckStep(step));
    if (storage)
      for (const line of standingLines(storage)) out.say(line, storage.trouble ? 'warning' : undefined);
  }
  return standing.isServed && standing.engine.isAnswering && !storage?.trouble ? 0 : 1;
};

/** Nothing of how the bucket is entered. */
function storageJson({ bucket, waiting, trouble }: StorageStanding) {
  return { at: bucket ? placeWords(bucket) : 'disk', waiting, trouble };
}
