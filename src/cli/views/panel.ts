import { type Screen, type Tone, wrap } from '../output/screen.ts';

export type Row = [label: string, value: string, tone?: Tone | undefined];

/** Narrower than this a frame takes more than it gives. */
const LEAST_FRAMED = 30;

/** A titled frame of `label: value` lines that fits the terminal; the same lines bare in a pipe. */
export function panel(title: string, rows: Row[], screen: Screen | undefined): string {
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
  const inner = Math.max(title.length + 2, ...lines.map(({ text }) => labelWidth + text.length));
  const frame = (text: string) => screen.paint('quiet', text);
  const body = lines.map(({ label, text, tone }) => {
    const filler = ' '.repeat(inner - labelWidth - text.length);
    const value = tone ? screen.paint(tone, text) : text;
    return `${frame('│')} ${screen.paint('quiet', label)}${value}${filler} ${frame('│')}`;
  });
  const head = `${frame('┌─')} ${screen.paint('strong', title)} ${frame(`${'─'.repeat(inner - title.length - 1)}┐`)}`;
  return [head, ...body, frame(`└${'─'.repeat(inner + 2)}┘`)].join('\n');
}

function labelled(label: string, width: number): string {
  return (label && `${label}:`).padEnd(width);
}
