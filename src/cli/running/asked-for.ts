import { inRow, requireNode } from './change.ts';
import type { RunOptions } from './options.ts';
import { readRows } from './rows.ts';
import { readSweep } from './sweep.ts';
import type { Asked } from './variants.ts';
import type { WorkflowFile } from './workflow-file.ts';

/** What a command line asks for; `inputs` are the changes that `--input` makes. Throws `usage`. */
export async function askedFor(options: RunOptions, inputs: string[]): Promise<Asked> {
  return {
    changes: [...(options.set ?? []), ...inputs],
    seed: options.seed,
    rows: options.rows === undefined ? [] : await readRows(options.rows),
    sweeps: (options.sweep ?? []).map(readSweep),
    count: options.count,
  };
}

/** Of the API format the nodes are known without a server, so that a slip of the finger rents nothing. */
export function requireNodes({ prompt }: WorkflowFile, { changes, sweeps, rows }: Asked): void {
  if (prompt === undefined) return;
  const swept = sweeps.map(({ target, values }) => `${target}=${values[0]}`);
  for (const change of [...changes, ...swept]) requireNode(change, prompt);
  for (const { at, changes: own } of rows) {
    for (const change of own) inRow(at, () => requireNode(change, prompt));
  }
}
