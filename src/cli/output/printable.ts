import { stripVTControlCharacters } from 'node:util';

/** Controls that move the cursor, ring, hide text or turn it around: C0, DEL, C1, separators of lines, marks of direction. */
const CONTROLS = '\\p{Cc}\\u2028\\u2029\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069';
const CONTROL = new RegExp(`[${CONTROLS}]`, 'gu');
const ESCAPE = '\u001b';
/** The colours of `paintWith`, which are ours. */
const OUR_STYLES = new RegExp(`(${ESCAPE}\\[(?:1|2|22|31|32|33|39)m)`);

/**
 * Words that came from outside (RunPod, ComfyUI, a file, another program) as one line that a terminal only prints.
 * Escape sequences are taken out; any other control, a line's end among them, becomes a space.
 */
export function printable(words: string): string {
  // Most words have none, and thousands of pods may be shown at once.
  if (words.search(CONTROL) < 0) return words;
  return stripVTControlCharacters(words).replaceAll(CONTROL, ' ');
}

/** Our own lines, tabs and colours as they are, and everything between them printable. */
export function printableLines(text: string): string {
  return text
    .split(OUR_STYLES)
    .map((part, index) => (index % 2 === 1 ? part : part.replaceAll(/[^\n\t]+/g, printable)))
    .join('');
}

/** A value, such as a failure's detail, with every string in it printable. */
export function printableDeep<T>(value: T): T {
  if (typeof value === 'string') return printable(value) as T;
  if (Array.isArray(value)) return value.map(printableDeep) as T;
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, printableDeep(part)])) as T;
}

/** JSON with the controls that JSON itself leaves in strings written as `\u009b`. */
export function printableJson(json: string): string {
  return json.replaceAll(CONTROL, (letter) =>
    letter === '\n' ? letter : `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
