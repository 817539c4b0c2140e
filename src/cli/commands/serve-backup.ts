import { backUp } from '../../fleet/backup.ts';
import { fleetText } from '../text/fleet.ts';
import type { Verb } from '../verb.ts';

const MEGABYTE = 1_000_000;

/** Keeps all of a fleet in one file, while nobody serves it. */
export const serveBackup: Verb<object> = async (context, file = '') => {
  const { out, signal } = context;
  const bytes = await backUp(context.home(), file, signal);
  if (out.isJson) out.json({ file, bytes });
  else out.line(fleetText.backedUp(file, bytes / MEGABYTE));
  return 0;
};
