import type { Entry, Line, PoolState } from './pool-types.ts';
import { entryOf, letInto, type SubmittedBatch } from './turns.ts';

// Batches that stand behind those a pool looks at: so that its state is no larger for ten thousand batches than for ten.

/** Batches of one person and priority with something to hand over that a pool looks at. */
const AHEAD = 8;

/** A place in a line, by which it is kept. */
export interface Place extends Pick<Line, 'owner' | 'priority'> {
  nth: number;
}

/** Takes a batch in at the end of its line; undefined where it is not to stand in one. */
export function withBehind(
  state: PoolState,
  batch: SubmittedBatch,
): { state: PoolState; place: Place; entry: Entry } | undefined {
  const { owner, priority, count } = batch;
  const line = linesOf(state).find((one) => isOf(batch, one)) ?? {
    owner,
    priority,
    first: 0,
    end: 0,
    jobs: 0,
  };
  if (line.first === line.end && ahead(state, batch) < AHEAD) return undefined;
  return {
    state: withLine(letInto(state, owner), { ...line, end: line.end + 1, jobs: line.jobs + count }),
    place: { owner, priority, nth: line.end },
    entry: entryOf(state, batch),
  };
}

/** The place whose batch is the next to be looked at; undefined where enough is, or nobody stands behind. */
export function nextInLine(state: PoolState): Place | undefined {
  const line = linesOf(state).find((one) => ahead(state, one) < AHEAD);
  return line && { owner: line.owner, priority: line.priority, nth: line.first };
}

/** The pool with what stood at the first place of a line; null where that was taken out before. */
export function withFirst(state: PoolState, place: Place, entry: Entry | null): PoolState {
  const moved = changedLine(state, place, (line) => ({
    ...line,
    first: line.first + 1,
    jobs: line.jobs - (entry?.count ?? 0),
  }));
  return entry ? { ...moved, entries: [...moved.entries, entry] } : moved;
}

/** The pool with what is taken out of a line before its turn. */
export function withTakenOut(state: PoolState, place: Place, entry: Entry): PoolState {
  const moved = changedLine(state, place, (line) => ({ ...line, jobs: line.jobs - entry.count }));
  return { ...moved, entries: [...moved.entries, entry] };
}

/** Names under which the engine keeps a place's batch, and where a batch stands. */
export function keyOf({ owner, priority, nth }: Place): string {
  return `line ${priority} ${owner} ${nth}`;
}

export function placeKeyOf(batchId: string): string {
  return `place ${batchId}`;
}

function linesOf({ lines = [] }: PoolState): Line[] {
  return lines;
}

function ahead({ entries }: PoolState, one: Pick<Line, 'owner' | 'priority'>): number {
  return entries.filter((entry) => isOf(entry, one) && entry.next < entry.count).length;
}

function isOf(one: Pick<Line, 'owner' | 'priority'>, other: Pick<Line, 'owner' | 'priority'>): boolean {
  return one.owner === other.owner && one.priority === other.priority;
}

function changedLine(state: PoolState, place: Place, change: (line: Line) => Line): PoolState {
  const line = linesOf(state).find((one) => isOf(one, place));
  return line ? withLine(state, change(line)) : state;
}

/** A line in which nobody stands is none. */
function withLine(state: PoolState, line: Line): PoolState {
  const others = linesOf(state).filter((one) => !isOf(one, line));
  return { ...state, lines: line.first < line.end ? [...others, line] : others };
}
