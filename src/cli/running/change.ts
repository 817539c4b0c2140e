import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { AutopodError } from '../../errors.ts';
import {
  type Answer,
  type Definitions,
  findTarget,
  type Prompt,
  readChange,
  readValue,
  type Target,
  withSeed,
  withValue,
} from '../../workflow/index.ts';
import { changeWords } from '../text/workflow.ts';
import type { Variant } from './variants.ts';

/** The prompt of one job. Throws `usage` for a change that cannot be made. */
export function changedPrompt(prompt: Prompt, definitions: Definitions, variant: Variant): Prompt {
  const seeded = withSeed(prompt, definitions, variant.seed, draw);
  const isSeedless = 'finding' in seeded && seeded.finding.kind === 'noSeed' && !variant.isSeedAsked;
  let changed = isSeedless ? prompt : granted(seeded, '');
  for (const change of variant.changes) {
    const { id, input, text } = asked(change, changed, definitions);
    const value = granted(readValue(withContent(change, text), input), `${change}: `);
    changed = withValue(changed, id, input.input, value);
  }
  return changed;
}

/** The input that `NODE.INPUT=VALUE` means. Throws `usage`. */
export function targetOf(change: string, prompt: Prompt, definitions: Definitions): Target {
  return asked(change, prompt, definitions).input;
}

/** What `work` gives; a usage that it throws names the row of `--rows` it comes of. */
export function inRow<T>(at: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (at === '' || !(error instanceof AutopodError) || error.code !== 'usage') throw error;
    throw new AutopodError('usage', { ...error.detail, message: `${at}: ${error.detail.message}` });
  }
}

/** Throws `usage` for a change whose node is not there; what is known without a server. */
export function requireNode(change: string, prompt: Prompt): void {
  const { node } = granted(readChange(change, prompt), '');
  const found = findTarget({ node, input: '' }, prompt, new Map());
  const isNode = 'finding' in found && /^node/.test(found.finding.kind);
  if (isNode) granted(found, `${change}: `);
}

function asked(change: string, prompt: Prompt, definitions: Definitions) {
  const { node, input, value } = granted(readChange(change, prompt), '');
  const target = granted(findTarget({ node, input }, prompt, definitions), `${change}: `);
  return { id: target.id, input: target, text: value };
}

/** `@FILE` stands for what the file says, `@@` for an @. */
function withContent(change: string, text: string): string {
  if (!text.startsWith('@')) return text;
  if (text.startsWith('@@')) return text.slice(1);
  const file = text.slice(1);
  try {
    return JSON.stringify(readFileSync(file, 'utf8').replace(/\r?\n$/, ''));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new AutopodError('usage', {
      message: `${change}: ${file} cannot be read: ${code === 'ENOENT' ? 'there is no such file' : message}.`,
      next: 'A value that begins with @ is a file; write @@ for the letter itself.',
    });
  }
}

function granted<T>(answer: Answer<T>, about: string): T {
  if ('ok' in answer) return answer.ok;
  const { message, next } = changeWords(answer.finding);
  throw new AutopodError('usage', { message: `${about}${message}`, ...(next !== undefined && { next }) });
}

/** A random integer from 0 up to and including `most`, each as likely. */
function draw(most: bigint): bigint {
  const bytes = Math.ceil(most.toString(16).length / 2) + 8;
  return BigInt(`0x${randomBytes(bytes).toString('hex')}`) % (most + 1n);
}
