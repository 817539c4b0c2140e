import { backUp } from '../../fleet/backup.ts';
import { describeFleet } from '../../fleet/home.ts';
import { usageOf } from '../../fleet/storage/usage.ts';
import { JobStore } from '../../store/jobs.ts';
import { fleetText } from '../text/fleet.ts';
import { bytesWords } from '../text/storage.ts';
import type { Verb } from '../verb.ts';

const MEGABYTE = 1_000_000;

/** Keeps all of a fleet in one file, while nobody serves it. */
export const serveBackup: Verb<object> = async (context, file = '') => {
  const { out, signal } = context;
  const bytes = await backUp(context.home(), file, signal);
  const people = await usageOf(new JobStore(describeFleet(context.home())));
  const inBuckets = people.reduce((sum, person) => sum + person.inBuckets, 0);
  if (out.isJson) out.json({ file, bytes, bytesInBuckets: inBuckets });
  else {
    out.line(fleetText.backedUp(file, bytes / MEGABYTE));
    out.say(fleetText.notBackedUp(inBuckets > 0 ? bytesWords(inBuckets) : undefined));
  }
  return 0;
};
