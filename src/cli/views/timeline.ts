import type { JournalEntry } from '../../store/journal.ts';
import { printable } from '../output/printable.ts';
import { dayOf, two } from '../text/day.ts';
import { JOB_STATE_WORDS, podStateWords, TUNNEL_STATE_WORDS } from '../text/states.ts';
import { text } from '../text.ts';

type Entry = JournalEntry & { podId: string };

/**
 * Journal entries as lines a person reads: times are local, a date heads each day, and repeated attempts of a
 * tunnel and the steps of a job are left out unless `isWhole`.
 */
export function timeline(entries: Entry[], isWhole: boolean): string[] {
  const lines: string[] = [];
  const subjects = new Set(entries.map(({ podId }) => podId));
  const diedAt = new Map<string, number>();
  let day = '';
  for (const entry of entries) {
    const when = new Date(entry.at);
    const isRepeat =
      !isKeepers(entry) && entry.machine.startsWith('tunnel@') && isAttempt(entry, diedAt.has(entry.id));
    const words = wordsOf(entry, diedAt.get(entry.id));
    follow(entry, diedAt);
    if ((isRepeat || isPassing(entry)) && !isWhole) continue;
    if (dayOf(when) !== day) {
      day = dayOf(when);
      lines.push(day);
    }
    const machine = (isKeepers(entry) ? 'pod' : (entry.machine.split('@')[0] ?? '')).padEnd(6);
    const subject = subjects.size > 1 ? `${entry.podId}  ` : '';
    lines.push(`  ${timeOf(when)}  ${subject}${machine}  ${printable(words)}`);
  }
  return lines;
}

// The keeper writes it into the journal of the tunnel, whatever state that is in.
function isKeepers({ event }: Entry): boolean {
  return Object.hasOwn(KEEPERS, event);
}

const KEEPERS: Record<string, (reason: string) => string> = {
  'pod.stopped': text.stoppedByKeeper,
  'pod.stopAsked': text.stopAskedByKeeper,
  'pod.stopFailed': text.stopFailedForKeeper,
  'pod.ended': text.endedByKeeper,
  'pod.endAsked': text.endAskedByKeeper,
  'pod.endFailed': text.endFailedForKeeper,
  'pod.inUse': text.inUseForKeeper,
};

function isAttempt({ to }: Entry, isDead: boolean): boolean {
  return to === 'recreating' || (to === 'dead' && isDead);
}

/** Steps of a job that say nothing to those who want to know what became of it. */
function isPassing({ machine, to, reason }: Entry): boolean {
  const isStep = ['reconciling', 'preparing', 'uploading', 'submitting', 'queued', 'downloading'].includes(
    to,
  );
  return machine.startsWith('job@') && isStep && !reason;
}

function follow({ id, to, at, machine }: Entry, diedAt: Map<string, number>): void {
  if (!machine.startsWith('tunnel@')) return;
  if (to === 'dead' && !diedAt.has(id)) diedAt.set(id, Date.parse(at));
  if (to === 'healthy' || to === 'stopped') diedAt.delete(id);
}

function wordsOf(entry: Entry, diedAt: number | undefined): string {
  const { machine, to, reason, at } = entry;
  const keepers = KEEPERS[entry.event];
  if (keepers) return keepers(reason ?? '');
  if (machine.startsWith('job@')) {
    const state = (JOB_STATE_WORDS as Record<string, string>)[to] ?? to;
    return `${entry.id} ${[state, reason].filter(Boolean).join(': ')}`;
  }
  if (!machine.startsWith('tunnel@')) return [podStateWords(to), reason].filter(Boolean).join(': ');
  const state = (TUNNEL_STATE_WORDS as Record<string, string>)[to] ?? to;
  if (to === 'healthy') {
    const again = diedAt === undefined ? '' : ` again after ${duration(Date.parse(at) - diedAt)}`;
    return `${state}${again}${reason ? ` ${reason}` : ''}`;
  }
  if (to === 'stopping' || to === 'stopped' || to === 'recreating') return state;
  return [state, reason?.replace(/^sshUnreachable: /, '')].filter(Boolean).join(': ');
}

/** `0.4 s`, `24 s`, `3 min 20 s`, `2 h 5 min`. */
function duration(ms: number): string {
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

function timeOf(when: Date): string {
  return `${two(when.getHours())}:${two(when.getMinutes())}:${two(when.getSeconds())}`;
}
