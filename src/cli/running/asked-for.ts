import { checkTemplate } from '../../jobs/files/index.ts';
import { inRow, requireNode } from './change.ts';
import { inputChange } from './draft.ts';
import { LocalFiles } from './local-inputs.ts';
import type { RunOptions } from './options.ts';
import { writableOut } from './out-folder.ts';
import { readRows } from './rows.ts';
import { readSweep } from './sweep.ts';
import { type Asked, countOf } from './variants.ts';
import { readWorkflowFile, type WorkflowFile } from './workflow-file.ts';

/** What a command line asks for; `inputs` are the changes that `--input` makes. Throws `usage`. */
async function askedFor(options: RunOptions, inputs: string[]): Promise<Asked> {
  return {
    changes: [...(options.set ?? []), ...inputs],
    seed: options.seed,
    rows: options.rows === undefined ? [] : await readRows(options.rows),
    sweeps: (options.sweep ?? []).map(readSweep),
    count: options.count,
  };
}

/** What a command line of `run` comes to before any server is asked. */
export interface ReadRun {
  workflow: WorkflowFile;
  files: LocalFiles;
  /** The changes that `--input` makes. */
  inputs: string[];
  asked: Asked;
  /** Folder for the files; it can be written. */
  out: string;
}

/** Reads FILE (`-`: standard input) and all that the options name on this machine. Throws `usage` and what reading throws. */
export async function readRun(file: string, options: RunOptions): Promise<ReadRun> {
  const files = new LocalFiles();
  const workflow = await readWorkflowFile(file, process.stdin);
  const inputs = await Promise.all((options.input ?? []).map((input) => inputChange(input, files)));
  const asked = await askedFor(options, inputs);
  countOf(asked);
  checkTemplate(options.name);
  const out = await writableOut(options.out);
  requireNodes(workflow, asked);
  return { workflow, files, inputs, asked, out };
}

/** Of the API format the nodes are known without a server, so that a slip of the finger rents nothing. */
function requireNodes({ prompt }: WorkflowFile, { changes, sweeps, rows }: Asked): void {
  if (prompt === undefined) return;
  const swept = sweeps.map(({ target, values }) => `${target}=${values[0]}`);
  for (const change of [...changes, ...swept]) requireNode(change, prompt);
  for (const { at, changes: own } of rows) {
    for (const change of own) inRow(at, () => requireNode(change, prompt));
  }
}
