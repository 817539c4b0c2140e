import type { JournalEntry } from '../store/journal.ts';

const RECENT = 9;

/** Milliseconds each state has usually lasted, by its full name: the median of the latest times it was left. */
export function usualDurations(entries: JournalEntry[]): Map<string, number> {
  const entered = new Map<string, number>();
  const lasted = new Map<string, number[]>();
  for (const { machine, id, at, from, to } of entries) {
    if (!machine.startsWith('pod@')) continue;
    const since = entered.get(id);
    entered.set(id, Date.parse(at));
    // A state that a crash or an interruption cut in two was not left by itself.
    if (since === undefined || from === 'saved' || to === 'failed') continue;
    lasted.set(from, [...(lasted.get(from) ?? []), Date.parse(at) - since].slice(-RECENT));
  }
  return new Map([...lasted].map(([state, times]) => [state, median(times)]));
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
