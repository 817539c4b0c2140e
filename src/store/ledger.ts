import type { RecordStore } from './records.ts';

/**
 * What a pod has cost, in USD. RunPod tells what the present run costs and for how long it runs; that of the runs
 * before is what was last seen of them.
 */
export interface Ledger {
  /** All runs before the latest one. */
  earlier: number;
  /** The latest run that was seen; `isClosed` when autopod itself ended it right after. */
  run: { bootId: string; spent: number; isClosed: boolean } | null;
  /** A run before the latest one went on for some time after it was last seen. */
  isAtLeast: boolean;
}

/** A look at a pod. */
export interface Sighting {
  podId: string;
  /** Changes with each start. */
  bootId: string;
  isRunning: boolean;
  /** USD of this run, running time only. */
  spent: number;
}

export interface Spent {
  /** USD of the present run; 0 when it does not run. */
  run: number;
  /** USD of all runs autopod knows of. */
  total: number;
  /** Some run went on unseen, so that it was more than that. */
  isAtLeast: boolean;
}

const NOTHING: Ledger = { earlier: 0, run: null, isAtLeast: false };

export interface LedgerFacts {
  podId: string | null;
  ledger?: Ledger | null;
}

/** The ledger after a look. `isLast` when autopod ends the run now. */
export function noted(before: Ledger | null | undefined, seen: Sighting, isLast: boolean): Ledger {
  const ledger = before ?? NOTHING;
  if (!seen.isRunning) return ledger;
  const isSame = ledger.run?.bootId === seen.bootId;
  const past = isSame ? ledger : closed(ledger);
  const spent = Math.max(seen.spent, isSame ? (ledger.run?.spent ?? 0) : 0);
  const isClosed = isLast || (isSame && ledger.run?.isClosed === true);
  return { ...past, run: { bootId: seen.bootId, spent, isClosed } };
}

/** What the pod has cost until this look. */
export function spentUntil(ledger: Ledger | null | undefined, seen: Sighting): Spent {
  const { earlier, run, isAtLeast } = closed(noted(ledger, seen, seen.isRunning));
  return { run: roundedUsd(seen.isRunning ? (run ?? seen).spent : 0), total: roundedUsd(earlier), isAtLeast };
}

/** USD to a hundredth of a cent, which is as much as rates and times tell: 0.1 + 0.2 is 0.3. */
export function roundedUsd(usd: number): number {
  return Math.round(usd * 1e4) / 1e4;
}

// Moves the latest run to the earlier ones; what it cost after it was last seen nobody knows.
function closed({ earlier, run, isAtLeast }: Ledger): Ledger {
  if (!run) return { earlier, run, isAtLeast };
  return { earlier: earlier + run.spent, run: null, isAtLeast: isAtLeast || !run.isClosed };
}

/** Notes a look in the pod's record, if it has one and something has changed by a cent or more. */
export async function bookRun(
  store: RecordStore<LedgerFacts>,
  seen: Sighting,
  isLast: boolean,
): Promise<void> {
  const [recordId, record] =
    Object.entries(await store.all()).find(([, { facts }]) => facts.podId === seen.podId) ?? [];
  if (!recordId || isWithinACent(record?.facts.ledger, noted(record?.facts.ledger, seen, isLast))) return;
  await store.update(
    recordId,
    (saved) =>
      saved && { ...saved, facts: { ...saved.facts, ledger: noted(saved.facts.ledger, seen, isLast) } },
  );
}

function isWithinACent(before: Ledger | null | undefined, after: Ledger): boolean {
  if (!after.run || after === before) return true;
  const { run } = before ?? NOTHING;
  const isSame = run?.bootId === after.run.bootId && run.isClosed === after.run.isClosed;
  return isSame && Math.abs(run.spent - after.run.spent) < 0.01 && !after.run.isClosed;
}
