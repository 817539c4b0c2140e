import { resolve } from 'node:path';
import { AutopodError } from '../../errors.ts';
import type { JobInput } from '../../machines/job-types.ts';
import {
  type Definitions,
  type Prompt,
  type PromptFinding,
  seedsOf,
  settables,
  validatePrompt,
} from '../../workflow/index.ts';
import { nodeWords } from '../text/workflow.ts';
import { changedPrompt, inRow, targetOf } from './change.ts';
import { type LocalFiles, localInputs } from './local-inputs.ts';
import type { ServerPrompt } from './prompt-of.ts';
import type { Variant } from './variants.ts';

/** One job, ready to be kept. */
export interface Draft {
  prompt: Prompt;
  changes: string[];
  /** By `NODE.INPUT` with the node's id. */
  seeds: Record<string, string>;
  name: string | undefined;
  inputs: JobInput[];
}

/** What drafting a job needs, the same for all of a batch. */
export interface Drafting {
  base: ServerPrompt;
  definitions: Definitions;
  /** Folders in which the files that the workflow names are looked for. */
  folders: string[];
  files: LocalFiles;
}

/** The job that a variant asks for. Throws `usage` for a change that cannot be made. */
export async function draftOf(
  { base, definitions, folders, files }: Drafting,
  variant: Variant,
): Promise<Draft> {
  const prompt = inRow(variant.at, () => changedPrompt(base.prompt, definitions, variant));
  const given = new Set(
    variant.changes.map((change) => {
      const { id, input } = targetOf(change, base.prompt, definitions);
      return `${id}.${input}`;
    }),
  );
  const seeds = seedsOf(prompt, definitions).map(({ node, input, value }) => [
    `${node}.${input}`,
    String(value),
  ]);
  return {
    prompt,
    changes: variant.changes,
    seeds: Object.fromEntries(seeds),
    name: variant.name,
    inputs: await localInputs(prompt, definitions, { folders, given, files }),
  };
}

/** Why the server would not run a draft. What will be uploaded is not missing. */
export function problemsOf({ prompt, inputs }: Draft, { base, definitions }: Drafting): PromptFinding[] {
  const uploaded = new Set(
    inputs.flatMap(({ targets }) => targets.map(({ nodeId, input }) => `${nodeId}.${input}`)),
  );
  return validatePrompt(prompt, definitions, base.sources).filter(
    (finding) => finding.kind !== 'inputFileMissing' || !uploaded.has(`${finding.node}.${finding.input}`),
  );
}

/** `--input NODE.INPUT=FILE` as the change it is. Throws `usage` for a file that is not there. */
export async function inputChange(text: string, files: LocalFiles): Promise<string> {
  const equals = text.indexOf('=');
  const file = text.slice(equals + 1);
  if (equals < 0 || file === '') {
    throw new AutopodError('usage', { message: `--input ${text}: It takes NODE.INPUT=FILE.` });
  }
  if (!(await files.file(resolve(file)))) {
    throw new AutopodError('usage', {
      message: `--input ${text}: There is no file ${file} on this machine.`,
    });
  }
  return `${text.slice(0, equals)}=${file.startsWith('@') ? '@' : ''}${file}`;
}

/** Throws `usage` where `--input` is for an input that takes no file. */
export function requireFileInput(change: string, { base, definitions }: Drafting): void {
  const { name, input, definition } = targetOf(change, base.prompt, definitions);
  const takesFile = settables(base.prompt, definitions).some(
    (each) => each.node === name.node && each.input === input && each.isFile,
  );
  if (definition === undefined || takesFile) return;
  throw new AutopodError('usage', {
    message: `--input ${change}: ${input} of node ${nodeWords(name)} takes no file.`,
    next: 'Use --set for a value; --show lists what can be set.',
  });
}
