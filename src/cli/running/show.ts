import { type Definitions, type Prompt, type Settable, settables, writeJson } from '../../workflow/index.ts';
import type { Context } from '../context.ts';
import { runText } from '../text/run.ts';
import { rangeWords, shortJson } from '../text/workflow.ts';
import { table } from '../views/table.ts';

const MOST_CHOICES = 8;

/** Prints everything that `--set` can change, with what the server says of it. */
export function showSettable({ out }: Context, prompt: Prompt, definitions: Definitions): number {
  const all = settables(prompt, definitions);
  if (out.isJson) {
    out.jsonText(writeJson({ settable: all.map(asJson) } as never, 2));
    return 0;
  }
  if (all.length === 0) {
    out.say(runText.nothingToSet());
    return 0;
  }
  const rows = all.map((one) => [
    `${one.node}.${one.input}`,
    one.title,
    one.type === 'COMBO' ? 'choice' : one.type.toLowerCase(),
    one.value === undefined ? '–' : shortJson(one.value),
    one.default === undefined ? '–' : shortJson(one.default),
    takes(one),
  ]);
  out.line(
    table(['NODE.INPUT', 'TITLE', 'TYPE', 'VALUE', 'DEFAULT', 'TAKES'], rows, out.screen, ['DEFAULT']),
  );
  return 0;
}

/** What an input takes: its range with the step, or its choices. */
function takes({ min, max, step, choices, isFile }: Settable): string {
  if (isFile) return 'a file of this machine or of the server';
  if (choices) {
    const left = choices.length - MOST_CHOICES;
    const named = choices
      .slice(0, MOST_CHOICES)
      .map((choice) => (typeof choice === 'string' ? choice : shortJson(choice)));
    return `${named.join(', ') || 'nothing: the server has none'}${left > 0 ? `, … (${choices.length} in all)` : ''}`;
  }
  const range = rangeWords(min, max);
  return `${range}${range && step !== undefined ? `, step ${shortJson(step)}` : ''}` || '–';
}

function asJson(one: Settable): object {
  return Object.fromEntries(Object.entries(one).map(([name, value]) => [name, value ?? null]));
}
