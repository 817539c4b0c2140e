import { describeHome, homePath } from '../../store/home.ts';
import { Journal, type JournalEntry } from '../../store/journal.ts';
import { type KnownPod, knownPods } from '../../store/pods-file.ts';
import type { Context } from '../context.ts';
import { text } from '../text.ts';
import { hanging } from '../views/prose.ts';
import { timeline } from '../views/timeline.ts';

interface HistoryOptions {
  tail?: number;
  all?: boolean;
}

/** What happened to pods and their tunnels, from the journal alone: it works offline and for pods long gone. */
export async function history(
  { out, env }: Pick<Context, 'out' | 'env'>,
  named: string | undefined,
  { tail, all }: HistoryOptions,
): Promise<number> {
  const home = describeHome(homePath(env));
  const entries = await new Journal(home.journal).read();
  const pods = knownPods(home.pods);
  const podIds = podIdsByRecord(entries, pods);
  const chosen = named === undefined ? undefined : idsOf(named, podIds, pods);
  const shown = entries
    .filter((entry) => !chosen || chosen.has(entry.id))
    .map((entry) => ({ ...entry, podId: podIds.get(entry.id) ?? entry.id }))
    // Several processes write the journal, each a moment after the fact.
    .toSorted((a, b) => a.at.localeCompare(b.at));
  if (out.isJson) out.json({ entries: shown.slice(-(tail ?? shown.length)) });
  else if (shown.length === 0) out.say(named === undefined ? text.noHistory() : text.noHistoryOf(named));
  else
    for (const line of timeline(shown, all === true).slice(-(tail ?? Number.MAX_SAFE_INTEGER)))
      out.line(out.screen ? hanging(out.screen.letters(line), out.screen.columns).join('\n') : line);
  return 0;
}

function podIdsByRecord(entries: JournalEntry[], pods: KnownPod[]): Map<string, string> {
  const told = [...entries.map(({ id, podId }) => ({ id, podId })), ...pods.map(withId)];
  return new Map(told.flatMap(({ id, podId }) => (podId ? [[id, podId]] : [])));
}

function withId({ recordId, podId }: KnownPod) {
  return { id: recordId, podId };
}

// A pod's machine writes under its record's id, its tunnel under the pod's.
function idsOf(named: string, podIds: Map<string, string>, pods: KnownPod[]): Set<string> {
  const byId = [...podIds].filter(([recordId, podId]) => recordId === named || podId === named).flat();
  if (byId.length > 0) return new Set(byId);
  const byName = pods.filter(({ name }) => name === named);
  return new Set([named, ...byName.flatMap(({ recordId, podId }) => [recordId, podId ?? recordId])]);
}
