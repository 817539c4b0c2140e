import { printable } from '../output/printable.ts';
import { type Screen, type Tone, wrap } from '../output/screen.ts';
import { columnsOf, padTo } from '../output/width.ts';

export type Row = [label: string, value: string, tone?: Tone | undefined];

/** Narrower than this a frame takes more than it gives. */
const LEAST_FRAMED = 30;

/** A titled frame of `label: value` lines that fits the terminal; the same lines bare in a pipe. */
export function panel(heading: string, shown: Row[], screen: Screen | undefined): string {
  const title = printable(heading);
  const rows = shown.map(([label, value, tone]): Row => [label, printable(value), tone]);
  const labelWidth = Math.max(...rows.map(([label]) => label.length)) + 2;
  if (!screen || screen.columns < LEAST_FRAMED) {
    return [title, ...rows.map(([label, value]) => `  ${labelled(label, labelWidth)}${value}`)].join('\n');
  }
  const room = screen.columns - labelWidth - 4;
  const lines = rows.flatMap(([label, value, tone]) =>
    wrap(screen.letters(value), room, true).map((text, index) => ({
      label: labelled(index === 0 ? label : '', labelWidth),
      text,
      tone,
    })),
  );
  const inner = Math.max(columnsOf(title) + 2, ...lines.map(({ text }) => labelWidth + columnsOf(text)));
  const frame = (text: string) => screen.paint('quiet', text);
  const body = lines.map(({ label, text, tone }) => {
    const filled = padTo(inner - labelWidth, text);
    const value = tone ? screen.paint(tone, filled) : filled;
    return `${frame('│')} ${screen.paint('quiet', label)}${value} ${frame('│')}`;
  });
  const head = `${frame('┌─')} ${screen.paint('strong', title)} ${frame(`${'─'.repeat(inner - columnsOf(title) - 1)}┐`)}`;
  return [head, ...body, frame(`└${'─'.repeat(inner + 2)}┘`)].join('\n');
}

function labelled(label: string, width: number): string {
  return (label && `${label}:`).padEnd(width);
}
