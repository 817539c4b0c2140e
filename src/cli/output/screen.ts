import { styleText } from 'node:util';
import { columnsOf, piecesOf } from './width.ts';

/** What a colour says. */
export type Tone = 'good' | 'warning' | 'bad' | 'quiet' | 'strong';

const STYLES = { good: 'green', warning: 'yellow', bad: 'red', quiet: 'dim', strong: 'bold' } as const;

/** A terminal that words or data are shown on. */
export interface Screen {
  columns: number;
  /** Text in its tone; as it is where colours are not wanted. */
  paint(tone: Tone, text: string): string;
  /** Text in the letters this terminal has. */
  letters(text: string): string;
}

export function paintWith(hasColor: boolean): Screen['paint'] {
  // Whether the stream may be coloured was decided by its terminal and the environment already.
  return (tone, text) => (hasColor ? styleText(STYLES[tone], text, { validateStream: false }) : text);
}

/** Lines of at most so many columns, broken between words; a longer word keeps its line, or is cut if it must fit. */
export function wrap(text: string, columns: number, mustFit: boolean): string[] {
  const words = text.split(' ').flatMap((word) => (mustFit ? piecesOf(columns, word) : [word]));
  const lines: string[] = [];
  let line = words[0] ?? '';
  for (const word of words.slice(1)) {
    const longer = `${line} ${word}`;
    if (columnsOf(longer) <= columns) line = longer;
    else {
      lines.push(line);
      line = word;
    }
  }
  return [...lines, line];
}
