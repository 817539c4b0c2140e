import { showHistory } from '../commands/history.ts';
import type { Verb } from '../verb.ts';
import { clientFor } from './way.ts';

/** What happened to the pods of the fleet, and who asked for it; from the server's journal, also of pods long gone. */
export const history: Verb<{ tail?: number; all?: boolean }> = async (context, named, options) => {
  const entries = await clientFor(context).history(named, options.tail);
  return showHistory(context, entries, named, options);
};
