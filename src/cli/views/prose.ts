import { type Screen, wrap } from '../output/screen.ts';

/**
 * A text of paragraphs and of indented lines such as `  name   what it is`, broken between words where the terminal
 * ends; as it is in a pipe.
 */
export function prose(text: string, screen: Screen | undefined): string {
  if (!screen) return text;
  return paragraphs(screen.letters(text).split('\n'))
    .flatMap((line) => hanging(line, screen.columns))
    .join('\n');
}

/** Lines that are not indented belong to one paragraph, as far as they follow each other. */
function paragraphs(lines: string[]): string[] {
  const joined: string[] = [];
  let isOpen = false;
  for (const line of lines) {
    const isText = /^\S/.test(line);
    if (isText && isOpen) joined.push(`${joined.pop()} ${line}`);
    else joined.push(line);
    isOpen = isText;
  }
  return joined;
}

/** One line on several: what follows the last gap in it stays in its column, or where that is far out, below. */
export function hanging(line: string, columns: number): string[] {
  if (line.length < columns) return [line];
  const [, head = '', tail = ''] = /^( .* {2,}| *)(\S.*)$/.exec(line) ?? [];
  const isFar = head.length > columns / 2;
  const indent = ' '.repeat(isFar ? 6 : head.length);
  const lines = wrap(tail, columns - 1 - indent.length, false).map((part) => indent + part);
  if (isFar) return [...wrap(head.trimEnd(), columns - 1, false), ...lines];
  return [head + (lines[0] ?? '').trimStart(), ...lines.slice(1)];
}
