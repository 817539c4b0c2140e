import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, extname, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { AutopodError } from '../../errors.ts';
import { type Recognised, recogniseWorkflow } from '../../workflow/index.ts';
import { unreadableWords } from '../text/workflow.ts';

/** A workflow as it was given: in the API format, in the editor's, or within something ComfyUI made. */
export interface WorkflowFile extends Recognised {
  /** For people: the file's name without its ending. */
  name: string;
  /** The folder that files named in it are looked for in; undefined for standard input. */
  folder: string | undefined;
}

/** Nothing larger carries a workflow worth reading whole; in bytes. */
const MOST_BYTES = 2 ** 31 - 1;

/** Reads FILE, or standard input for `-`. Throws `workflowUnreadable`. */
export async function readWorkflowFile(file: string, stdin: Readable): Promise<WorkflowFile> {
  const isStdin = file === '-';
  const bytes = isStdin ? Buffer.concat(await stdin.toArray()) : await bytesOf(file);
  const found = recogniseWorkflow(bytes);
  if ('unreadable' in found) {
    const shown = isStdin ? 'What comes on standard input' : file;
    throw new AutopodError('workflowUnreadable', { file: shown, ...unreadableWords(found.unreadable) });
  }
  return {
    ...found,
    name: isStdin ? 'stdin' : basename(file, extname(file)),
    folder: isStdin ? undefined : dirname(resolve(file)),
  };
}

async function bytesOf(file: string): Promise<Buffer> {
  try {
    const { size } = await stat(file);
    if (size > MOST_BYTES) throw new AutopodError('workflowUnreadable', { file, reason: 'It is too large.' });
    return await readFile(file);
  } catch (error) {
    if (error instanceof AutopodError) throw error;
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw new AutopodError('workflowUnreadable', { file, reason: WHY_NOT[code] ?? message });
  }
}

const WHY_NOT: Record<string, string> = {
  ENOENT: 'There is no such file.',
  EISDIR: 'It is a folder.',
  EACCES: 'You may not read it.',
};
