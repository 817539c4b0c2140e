import { printable } from '../output/printable.ts';
import { type Screen, wrap } from '../output/screen.ts';
import { columnsOf, padTo } from '../output/width.ts';

/**
 * Columns aligned with two spaces between them. A terminal too narrow for all does without the spare ones, in this
 * order; one too narrow even then has a block for each row, headed by its first cell.
 */
export function table(
  head: string[],
  rows: string[][],
  screen: Screen | undefined,
  spare: string[] = [],
): string {
  const all = [head, ...rows].map((row) =>
    row.map((cell) => screen?.letters(printable(cell)) ?? printable(cell)),
  );
  if (!screen) return aligned(all).join('\n');
  for (let dropped = 0; dropped <= spare.length; dropped++) {
    const kept = head.map((title) => !spare.slice(0, dropped).includes(title));
    const lines = aligned(all.map((row) => row.filter((_, column) => kept[column])));
    if (lines.every((line) => columnsOf(line) <= screen.columns)) {
      return [screen.paint('quiet', lines[0] ?? ''), ...lines.slice(1)].join('\n');
    }
  }
  return blocks(all, screen);
}

function aligned(rows: string[][]): string[] {
  const widths =
    rows[0]?.map((_, column) =>
      rows.reduce((most, row) => Math.max(most, columnsOf(row[column] ?? '')), 0),
    ) ?? [];
  return rows.map((row) =>
    row
      .map((cell, column) => padTo(widths[column] ?? 0, cell))
      .join('  ')
      .trimEnd(),
  );
}

function blocks([head = [], ...rows]: string[][], screen: Screen): string {
  const labels = head.map((title) => title.toLowerCase());
  const width = Math.max(...labels.slice(1).map(({ length }) => length));
  const block = ([title = '', ...cells]: string[]) => [
    screen.paint('strong', title),
    ...cells.flatMap((cell, index) =>
      cell === '' || cell === screen.letters('–')
        ? []
        : labelled((labels[index + 1] ?? '').padEnd(width), cell, screen),
    ),
  ];
  return rows.flatMap(block).join('\n');
}

function labelled(label: string, cell: string, screen: Screen): string[] {
  const [first = '', ...others] = wrap(cell, screen.columns - label.length - 5, false);
  const indent = ' '.repeat(label.length + 4);
  return [`  ${screen.paint('quiet', label)}  ${first}`, ...others.map((line) => indent + line)];
}
