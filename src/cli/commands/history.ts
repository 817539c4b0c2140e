import { meantBy, readableRecords } from '../../lifecycle/choose.ts';
import type { JournalEntry } from '../../store/journal.ts';
import type { Context } from '../context.ts';
import { text } from '../text.ts';
import type { Verb } from '../verb.ts';
import { hanging } from '../views/prose.ts';
import { timeline } from '../views/timeline.ts';

interface HistoryOptions {
  tail?: number;
  all?: boolean;
}

/** What happened to pods and their tunnels, from the journal alone: it works offline and for pods long gone. */
export const history: Verb<HistoryOptions> = async (context, named, { tail, all }) => {
  const { out } = context;
  const entries = await (await context.journal()).read();
  const podIds = await podIdsByRecord(context);
  const about = (entry: JournalEntry) => podIds.get(entry.id) ?? entry.id;
  const chosen = named === undefined ? undefined : await idsOf(context, named);
  const shown = entries
    .filter((entry) => !chosen || chosen.has(entry.id))
    .map((entry) => ({ ...entry, podId: about(entry) }))
    // Several processes write the journal, each a moment after the fact.
    .toSorted((a, b) => a.at.localeCompare(b.at));
  if (out.isJson) out.json({ entries: shown.slice(-(tail ?? shown.length)) });
  else if (shown.length === 0) out.say(named === undefined ? text.noHistory() : text.noHistoryOf(named));
  else
    for (const line of timeline(shown, all === true).slice(-(tail ?? Number.MAX_SAFE_INTEGER)))
      out.line(out.screen ? hanging(out.screen.letters(line), out.screen.columns).join('\n') : line);
  return 0;
};

async function podIdsByRecord(context: Context): Promise<Map<string, string>> {
  const records = await readableRecords(await context.pods());
  return new Map(records.flatMap(([id, { facts }]) => (facts.podId ? [[id, facts.podId]] : [])));
}

// A pod's machine writes under its record's id, its tunnel under the pod's.
async function idsOf(context: Context, named: string): Promise<Set<string>> {
  const matching = meantBy(await readableRecords(await context.pods()), named);
  return new Set([named, ...matching.flatMap(([id, { facts }]) => [id, facts.podId ?? id])]);
}
