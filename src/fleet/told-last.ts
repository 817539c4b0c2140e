import type { Journal, JournalEntry } from '../store/journal.ts';

/**
 * Whether the last that was told of a machine is this step: what keeps a step may be cut off after it has told it, and is
 * done again then. It reads all of the journal, and so is asked only where the record shows the step already.
 */
export async function isToldLast(
  journal: Pick<Journal, 'read'>,
  step: Pick<JournalEntry, 'machine' | 'id' | 'from' | 'to'>,
): Promise<boolean> {
  const last = (await journal.read()).findLast(
    ({ machine, id }) => machine === step.machine && id === step.id,
  );
  return last !== undefined && last.from === step.from && last.to === step.to;
}
