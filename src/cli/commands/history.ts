import { describeHome, homePath } from '../../store/home.ts';
import { Journal, type JournalEntry } from '../../store/journal.ts';
import { requireOwnHome } from '../../store/ownership.ts';
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
  options: HistoryOptions,
): Promise<number> {
  requireOwnHome(homePath(env));
  const home = describeHome(homePath(env));
  return showHistory({ out }, await new Journal(home.journal).read(), named, options, knownPods(home.pods));
}

/** Journal entries as a person reads them, of one pod where one is named. The answer is the exit code. */
export function showHistory(
  { out }: Pick<Context, 'out'>,
  entries: JournalEntry[],
  named: string | undefined,
  { tail, all }: HistoryOptions,
  pods: KnownPod[] = [],
): number {
  const told = withPods(entries, pods);
  const isMeant = named === undefined ? () => true : meaning(named, told, pods);
  const shown = told
    .filter(isMeant)
    // Several processes write the journal, each a moment after the fact.
    .toSorted((a, b) => a.at.localeCompare(b.at));
  if (out.isJson) out.json({ entries: shown.slice(-(tail ?? shown.length)) });
  else if (shown.length === 0) out.say(named === undefined ? text.noHistory() : text.noHistoryOf(named));
  else
    for (const line of timeline(shown, all === true, tail))
      out.line(out.screen ? hanging(out.screen.letters(line), out.screen.columns).join('\n') : line);
  return named !== undefined && shown.length === 0 ? 1 : 0;
}

type Told = JournalEntry & { podId: string };

/**
 * Each entry with its pod. A pod's machine writes under its record's id, its tunnel under the pod's, and a record may
 * have had several pods: an entry from before RunPod made the pod is about the one that came next.
 */
function withPods(entries: JournalEntry[], pods: KnownPod[]): Told[] {
  const last = new Map(entries.flatMap(({ id, podId }) => (podId ? [[id, podId]] : [])));
  const nameOf = new Map(pods.map(({ recordId, podId, name }) => [podId ?? recordId, name]));
  for (const { podId, name } of entries) if (podId && name) nameOf.set(podId, name);
  const next = new Map(pods.flatMap(({ recordId, podId }) => (podId ? [[recordId, podId]] : [])));
  return entries
    .toReversed()
    .map((entry) => {
      if (entry.podId) next.set(entry.id, entry.podId);
      const podId = next.get(entry.id) ?? last.get(entry.id) ?? entry.id;
      return { ...entry, podId, name: entry.name ?? nameOf.get(podId) };
    })
    .toReversed();
}

/** Whether an entry is about what the user named: a pod's id, else a launch's, else the name of pods on record, else that of pods long gone. */
function meaning(named: string, told: Told[], pods: KnownPod[]): (entry: Told) => boolean {
  if (told.some(({ podId }) => podId === named)) return ({ podId }) => podId === named;
  if (told.some(({ id }) => id === named)) return ({ id }) => id === named;
  const ids = pods.filter(({ name }) => name === named).map(({ recordId, podId }) => podId ?? recordId);
  const isCalled = ids.length > 0 ? ids : told.filter(({ name }) => name === named).map(({ podId }) => podId);
  return ({ podId }) => isCalled.includes(podId);
}
