import { AutopodError } from '../../errors.ts';
import type { Context } from '../context.ts';
import { Output } from '../output/output.ts';
import { runText } from '../text/run.ts';
import { findingWords } from '../text/workflow.ts';
import { type Draft, type Drafting, draftOf, problemsOf } from './draft.ts';
import { promptText } from './prompt-of.ts';
import { type Asked, countOf, variants } from './variants.ts';

/** Every reason why some job of a run would not run, each once, in words. `onDraft` is given each job. */
export async function problemsOfRun(
  drafting: Drafting,
  asked: Asked,
  onDraft: (draft: Draft) => void = () => undefined,
): Promise<string[]> {
  const problems = new Set(drafting.base.findings.map(findingWords));
  for (const variant of variants(asked)) {
    const draft = await draftOf(drafting, variant);
    onDraft(draft);
    for (const finding of problemsOf(draft, drafting)) problems.add(findingWords(finding));
  }
  return [...problems];
}

/** Throws `workflowNotRunnable` with all that is wrong. */
export function requireRunnable(name: string, podId: string, problems: string[]): void {
  if (problems.length > 0) throw new AutopodError('workflowNotRunnable', { name, podId, problems });
}

/**
 * Prints the API format as the one JSON value, of several jobs a list; what is wrong goes to stderr even with
 * `--json`, and makes the exit code 1. Nothing is kept, sent or made.
 */
export async function showDryRun(
  { out, env }: Pick<Context, 'out' | 'env'>,
  name: string,
  drafting: Drafting,
  asked: Asked,
): Promise<number> {
  const count = countOf(asked);
  const words = new Output(out, env, false);
  const inputs = new Map<string, number>();
  let written = 0;
  const problems = await problemsOfRun(drafting, asked, (draft) => {
    const json = promptText(draft.prompt, 2);
    if (count === 1) out.jsonText(json);
    else out.jsonText(`${written === 0 ? '[' : ''}${json}${written === count - 1 ? ']' : ','}`);
    written += 1;
    for (const { path, bytes } of draft.inputs) inputs.set(path, bytes);
  });
  for (const [path, bytes] of inputs) words.say(runText.wouldUpload(path, bytes));
  for (const problem of problems) words.say(problem, 'bad');
  words.say(problems.length > 0 ? runText.wouldNotRun(name) : runText.wouldRun(name, count));
  return problems.length > 0 ? 1 : 0;
}
