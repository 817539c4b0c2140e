/** What the editor takes from its surroundings when it writes a prompt. */
export interface DrawnValues {
  now: Date;
  /** From 0 up to, but not including, 1. */
  random: () => number;
}

/** Takes comments out of a text and one choice out of each `{a|b|{c|d}}`; `\{`, `\}` and `\|` are themselves. */
export function pickDynamic(text: string, random: () => number): string {
  const plain = text.replace(/\/\*.*?\*\//gs, '').replace(/\/\/.*/g, '');
  const [written] = sequence(plain, 0, false, random);
  return written.replace(/\\([{}|])/g, '$1');
}

/** Reads choices up to the closing brace (or the end), and gives one with the place after it. */
function sequence(text: string, from: number, isInside: boolean, random: () => number): [string, number] {
  const choices = [''];
  let at = from;
  while (at < text.length) {
    const character = text[at] ?? '';
    let piece = character;
    let after = at + 1;
    if (character === '\\') {
      piece = text.slice(at, at + 2);
      after = at + 2;
    } else if (character === '{') {
      [piece, after] = sequence(text, at + 1, true, random);
    } else if (isInside && character === '}') {
      return [choose(choices, random), after];
    } else if (isInside && character === '|') {
      choices.push('');
      piece = '';
    }
    choices[choices.length - 1] += piece;
    at = after;
  }
  return [choose(choices, random), at];
}

function choose(choices: readonly string[], random: () => number): string {
  return choices[Math.min(choices.length - 1, Math.floor(random() * choices.length))] ?? '';
}
