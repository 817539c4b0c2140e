import type { JournalEntry } from '../store/journal.ts';
import type { Subject } from './subject.ts';
import type { Look, Looks } from './watch.ts';

interface Side {
  look: Look | undefined;
  entries: JournalEntry[];
}

const MOST_ENTRIES = 5_000;

/** The machines of pods that others keep, and this machine's tunnels to them, as one to look at. */
export function joined(pods: Looks, tunnels: Looks): Looks {
  const sides: [Side, Side] = [
    { look: undefined, entries: [] },
    { look: undefined, entries: [] },
  ];
  const whole = (): Look => ({ ...seen(sides), isWhole: true, entries: inOrder(sides) });
  const listeners = new Set<(look: Look) => void>();
  let ends: (() => void)[] = [];
  const take = (side: Side) => (look: Look) => {
    side.entries = (look.isWhole ? look.entries : [...side.entries, ...look.entries]).slice(-MOST_ENTRIES);
    side.look = look;
    const told = look.isWhole ? whole() : { ...seen(sides), isWhole: false, entries: look.entries };
    for (const listener of listeners) listener(told);
  };
  return {
    listen(listener) {
      listeners.add(listener);
      if (ends.length === 0) ends = [pods.listen(take(sides[0])), tunnels.listen(take(sides[1]))];
      else listener(whole());
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        for (const end of ends) end();
        ends = [];
      };
    },
  };
}

function seen([{ look: pods }, { look: tunnels }]: [Side, Side]): Omit<Look, 'isWhole' | 'entries'> {
  return {
    subjects: withTunnels(pods?.subjects ?? [], tunnels?.subjects ?? []),
    notices: [...(pods?.notices ?? []), ...(tunnels?.notices ?? [])],
    keeper: tunnels?.keeper ?? null,
  };
}

function withTunnels(pods: Subject[], tunnels: Subject[]): Subject[] {
  const isOf = (pod: Subject) => (tunnel: Subject) =>
    pod.kind === 'pod' && !pod.isPast && tunnel.podId === pod.podId;
  const families = pods.flatMap((pod) => [
    pod,
    ...tunnels.filter(isOf(pod)).map((tunnel) => ({ ...tunnel, under: pod.id })),
  ]);
  return [...families, ...tunnels.filter((tunnel) => !pods.some((pod) => isOf(pod)(tunnel)))];
}

function inOrder(sides: Side[]): JournalEntry[] {
  return sides.flatMap(({ entries }) => entries).sort((a, b) => a.at.localeCompare(b.at));
}
