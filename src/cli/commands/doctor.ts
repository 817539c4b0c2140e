import { type Check, examine } from '../examination.ts';
import { text } from '../text.ts';
import type { Verb } from '../verb.ts';

const MARKS: Record<Check['verdict'], string> = { good: 'ok', warning: 'note', bad: 'BAD' };

/** Looks over everything autopod depends on, and says of each fault how to mend it. Exit code 1 when one stands. */
export const doctor: Verb<object> = async (context) => {
  const { out } = context;
  const checks = await examine(context);
  const isWell = checks.every(({ verdict }) => verdict !== 'bad');
  if (out.isJson) {
    out.json({ isWell, checks });
    return isWell ? 0 : 1;
  }
  const width = Math.max(...checks.map(({ name }) => name.length));
  for (const { name, verdict, found, fix } of checks) {
    out.line(`${MARKS[verdict].padEnd(4)}  ${name.padEnd(width)}  ${found}`);
    if (fix) out.line(`${' '.repeat(width + 8)}→ ${fix}`);
  }
  out.line(isWell ? text.allIsWell() : text.notWell());
  return isWell ? 0 : 1;
};
