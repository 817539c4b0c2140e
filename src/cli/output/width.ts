import stringWidth from 'string-width';

const ASCII = /^[\x20-\x7e]*$/;

/** Columns a terminal gives to a line: two for a CJK letter or an emoji, none for a combining mark. */
export function columnsOf(line: string): number {
  return ASCII.test(line) ? line.length : stringWidth(line);
}

export function padTo(columns: number, line: string): string {
  return line + ' '.repeat(Math.max(0, columns - columnsOf(line)));
}

/** As much of a line, whole letters only, as fits into the columns. */
export function cutTo(columns: number, line: string): string {
  return piecesOf(columns, line)[0] ?? '';
}

let segmenter: Intl.Segmenter | undefined;

function lettersOf(line: string): Intl.Segments {
  // Making one takes longer than most commands take to say what they have to.
  segmenter ??= new Intl.Segmenter(undefined, { granularity: 'grapheme' });
  return segmenter.segment(line);
}

/** A line in pieces of at most so many columns. */
export function piecesOf(columns: number, line: string): string[] {
  if (columnsOf(line) <= columns) return [line];
  const pieces = [''];
  let room = columns;
  for (const { segment } of lettersOf(line)) {
    const width = columnsOf(segment);
    if (width > room) {
      pieces.push('');
      room = columns;
    }
    pieces[pieces.length - 1] += segment;
    room -= width;
  }
  return pieces;
}
