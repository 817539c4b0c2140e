import { isFailureCode } from '../../errors.ts';
import type { JournalEntry } from '../../store/journal.ts';
import { printable } from '../output/printable.ts';
import { FAILURE_WORDS } from '../text/failures.ts';
import { GUARD_STATE_WORDS, JOB_STATE_WORDS, podStateWords, TUNNEL_STATE_WORDS } from '../text/states.ts';
import { dayOf, timeOf, withLocalTimes } from '../text/time.ts';
import { text } from '../text.ts';

type Entry = JournalEntry & { podId: string };

/**
 * Journal entries as lines a person reads: times are local, a date heads each day, and what changed nothing is left out
 * unless `isWhole`: repeated attempts of a tunnel, steps of a job, and looks at a pod that found it as it was. With `tail` so many of the
 * last events.
 */
export function timeline(entries: Entry[], isWhole: boolean, tail = Number.MAX_SAFE_INTEGER): string[] {
  const subjects = namesOf(entries);
  const told = tell(isWhole ? entries : withoutIdleRuns(entries), isWhole).slice(-tail);
  let day = '';
  return told.flatMap(({ when, podId, machine, words }) => {
    const subject = subjects.size > 1 ? `${subjects.get(podId)}  ` : '';
    const line = `  ${timeOf(when, 'second')}  ${subject}${machine.padEnd(6)}  ${words}`;
    if (dayOf(when) === day) return [line];
    day = dayOf(when);
    return [day, line];
  });
}

interface Told {
  when: Date;
  podId: string;
  machine: string;
  words: string;
}

function tell(entries: Entry[], isWhole: boolean): Told[] {
  const told: Told[] = [];
  const diedAt = new Map<string, number>();
  const stateOf = new Map<string, string>();
  const lastWords = new Map<string, string>();
  for (const entry of entries) {
    const { podId } = entry;
    const machine = isKeepers(entry) ? 'pod' : (entry.machine.split('@')[0] ?? '');
    const words = printable(withLocalTimes(wordsOf(entry, diedAt.get(entry.id))));
    const isAttempted = machine === 'tunnel' && isAttempt(entry, diedAt.has(entry.id));
    const isWanted = machine === 'tunnel' && entry.to === 'dead' && isPutDown(stateOf.get(podId));
    const isSame = machine === 'pod' && lastWords.get(podId) === words && !isKeepers(entry);
    follow(entry, diedAt);
    if (machine === 'pod') {
      stateOf.set(podId, isKeepers(entry) ? entry.event : entry.to);
      lastWords.set(podId, words);
    }
    if (!isWhole && (isAttempted || isWanted || isSame || isPassing(entry))) continue;
    told.push({ when: new Date(entry.at), podId, machine, words });
  }
  return told;
}

/** What each pod is called: by its name where no other has that, else by its id. */
function namesOf(entries: Entry[]): Map<string, string> {
  const names = new Map<string, string>();
  for (const { podId, name } of entries) names.set(podId, name || (names.get(podId) ?? ''));
  const isOne = (name: string) => [...names.values()].filter((other) => other === name).length === 1;
  return new Map([...names].map(([id, name]) => [id, name && isOne(name) ? printable(name) : id]));
}

/** States in which a pod that is found to be there passes through to where it was. */
const LOOKING = ['reconciling', 'booting', 'startingComfyUI'];
const RESTING = ['ready', 'stopped'];
/** Milliseconds after which a look has found something to wait for. */
const IDLE_RUN_MS = 60_000;

/** Without the runs of commands that found a pod as it was, and changed nothing. */
function withoutIdleRuns(entries: Entry[]): Entry[] {
  const idle = new Set<Entry>();
  const rested = new Map<string, string>();
  const runs = new Map<string, Entry[]>();
  for (const entry of entries) {
    if (!entry.machine.startsWith('pod@')) continue;
    const { id, to } = entry;
    const run = entry.from === 'saved' ? [entry] : [...(runs.get(id) ?? []), entry];
    runs.set(id, run);
    if (LOOKING.includes(to)) continue;
    const lastedMs = Date.parse(entry.at) - Date.parse(run[0]?.at ?? entry.at);
    const isIdle =
      RESTING.includes(to) &&
      rested.get(id) === to &&
      lastedMs < IDLE_RUN_MS &&
      run.slice(0, -1).every((one) => LOOKING.includes(one.to));
    if (isIdle) for (const one of run) idle.add(one);
    rested.set(id, to);
  }
  return entries.filter((entry) => !idle.has(entry));
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

/** Whether a pod goes down because somebody wants it to, so that its ssh ends as it should. */
function isPutDown(state = ''): boolean {
  return ['stopping', 'stopped', 'terminating', 'terminated', 'pod.stopAsked', 'pod.stopped'].includes(state);
}

function isAttempt({ to }: Entry, isDead: boolean): boolean {
  return to === 'recreating' || (to === 'dead' && isDead);
}

/** Steps of a job or a guard that say nothing to those who want to know what became of it. */
function isPassing({ machine, to, reason }: Entry): boolean {
  const isStep = ['reconciling', 'preparing', 'uploading', 'submitting', 'queued', 'downloading'].includes(
    to,
  );
  const isArming = machine.startsWith('guard@') && to === 'arming';
  return isArming || (machine.startsWith('job@') && isStep && !reason);
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
    const why = to === 'failed' ? failureWords(entry) : reason;
    return `${entry.id} ${[state, why].filter(Boolean).join(': ')}`;
  }
  if (/^(person|policy)@/.test(machine)) return `${entry.event}: ${to}`;
  if (machine.startsWith('guard@')) {
    const state = (GUARD_STATE_WORDS as Record<string, string>)[to] ?? to;
    return [entry.event === 'guard.ended' ? text.endedItself() : state, reason].filter(Boolean).join(': ');
  }
  if (!machine.startsWith('tunnel@')) {
    const why = to === 'failed' ? failureWords(entry) : reason;
    return `${[podStateWords(to), why].filter(Boolean).join(': ')}${askedBy(entry)}`;
  }
  const state = (TUNNEL_STATE_WORDS as Record<string, string>)[to] ?? to;
  if (to === 'healthy') {
    const again = diedAt === undefined ? '' : ` again after ${duration(Date.parse(at) - diedAt)}`;
    return `${state}${again}${reason ? ` ${reason}` : ''}`;
  }
  if (to === 'starting') return reason ? `${state} at ${reason}` : state;
  if (to === 'stopping' || to === 'stopped' || to === 'recreating') return state;
  return [state, reason?.replace(/^sshUnreachable: /, '')].filter(Boolean).join(': ');
}

/** Of a fleet's pod, where somebody has asked for what begins here. */
function askedBy({ who, event }: Entry): string {
  return who && (event === 'begun' || event.endsWith('.requested')) ? `, for ${who}` : '';
}

/** In the words it was told with then; of an earlier autopod's entries there is only the code. */
function failureWords({ reason = '', detail }: Entry): string {
  return detail && isFailureCode(reason) ? FAILURE_WORDS[reason](detail).what : reason;
}

/** `0.4 s`, `24 s`, `3 min 20 s`, `2 h 5 min`. */
function duration(ms: number): string {
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}
