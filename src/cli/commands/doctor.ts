import { type Check, examine } from '../doctor/examination.ts';
import { type Screen, wrap } from '../output/screen.ts';
import { text } from '../text.ts';
import type { Verb } from '../verb.ts';

const MARKS: Record<Check['verdict'], string> = { good: 'ok', warning: 'note', bad: 'BAD', skipped: '–' };

/** Columns below which a finding does not fit beside its name. */
const NARROW = 60;

/** Looks over everything autopod depends on, and says for each problem how to fix it. Exit code 1 when one stands. */
export const doctor: Verb<object> = async (context) => {
  const { out } = context;
  const checks = await examine(context);
  const isWell = checks.every(({ verdict }) => verdict !== 'bad');
  if (out.isJson) {
    out.json({ isWell, checks });
    return isWell ? 0 : 1;
  }
  for (const line of examined(checks, out.screen)) out.line(line);
  out.line(
    isWell ? text.allIsWell() : text.notWell(checks.filter(({ verdict }) => verdict === 'bad').length),
  );
  return isWell ? 0 : 1;
};

/** A line for each check; on a terminal broken between words, and where that is narrow with the finding below. */
function examined(checks: Check[], screen: Screen | undefined): string[] {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const columns = screen?.columns ?? Number.POSITIVE_INFINITY;
  const isNarrow = columns < NARROW;
  const indent = ' '.repeat(isNarrow ? 6 : width + 8);
  return checks.flatMap(({ name, verdict, found, fix }) => {
    const mark = MARKS[verdict].padEnd(4);
    const begin = `${screen?.paint(verdict === 'skipped' ? 'quiet' : verdict, mark) ?? mark}  ${isNarrow ? name : name.padEnd(width + 2)}`;
    const lines = [found, ...(fix ? [`→ ${fix}`] : [])].flatMap((words) =>
      wrap(words, columns - indent.length - 1, false),
    );
    const [first = '', ...others] = lines.map((line) => indent + line);
    return isNarrow ? [begin, first, ...others] : [begin + first.trimStart(), ...others];
  });
}
