import type { Writable } from 'node:stream';
import { printable, printableJson, printableLines } from './printable.ts';
import { paintWith, type Screen, type Tone, wrap } from './screen.ts';
import { cutTo } from './width.ts';

/** Where words and data go: data to stdout, words and progress to stderr. */
export class Output {
  readonly stdout: Writable & { isTTY?: boolean; columns?: number };
  readonly stderr: Writable & { isTTY?: boolean; columns?: number };
  readonly isJson: boolean;
  /** Whether stderr may be redrawn. */
  readonly isLive: boolean;
  /** The terminal data goes to; undefined in a pipe. */
  readonly screen: Screen | undefined;
  /** The terminal words go to; undefined in a pipe. */
  readonly wordsScreen: Screen | undefined;
  readonly #isUnicode: boolean;

  constructor(
    streams: { stdout: Output['stdout']; stderr: Output['stderr'] },
    env: NodeJS.ProcessEnv,
    isJson: boolean,
  ) {
    this.stdout = streams.stdout;
    this.stderr = streams.stderr;
    this.isJson = isJson;
    this.isLive = Boolean(streams.stderr.isTTY) && env.TERM !== 'dumb' && !env.CI;
    this.#isUnicode = isUnicode(env);
    const screenOf = (stream: Output['stdout']): Screen | undefined =>
      stream.isTTY && env.TERM !== 'dumb'
        ? {
            columns: stream.columns || 80,
            paint: paintWith(!env.NO_COLOR),
            letters: (text) => this.#fit(text),
          }
        : undefined;
    this.screen = screenOf(streams.stdout);
    this.wordsScreen = screenOf(streams.stderr);
  }

  /** One line of data. */
  line(text = ''): void {
    this.stdout.write(this.#fit(`${text}\n`));
  }

  /** Text as another program laid it out, such as help. */
  plain(text: string): void {
    this.stdout.write(this.#fit(text));
  }

  /** The same, as words. */
  plainWords(text: string): void {
    if (!this.isJson) this.stderr.write(this.#fit(text));
  }

  /** One line of words, broken between them where the terminal ends; left out with `--json`. */
  say(text: string, tone?: Tone): void {
    if (this.isJson) return;
    const screen = this.wordsScreen;
    const lines = screen
      ? text.split('\n').flatMap((line) => folded(this.#fit(line), screen.columns))
      : [text];
    const words = lines.join('\n');
    this.stderr.write(this.#fit(`${tone && screen ? screen.paint(tone, words) : words}\n`));
  }

  /** What is redrawn at the bottom of a terminal. */
  redraw(text: string): void {
    const line = cutTo((this.stderr.columns ?? 80) - 1, printable(this.#fit(text)));
    this.stderr.write(`\r\x1b[K${line}`);
  }

  /** The one JSON value of a `--json` run. */
  json(value: unknown): void {
    this.stdout.write(`${printableJson(JSON.stringify(value, null, 2))}\n`);
  }

  /** JSON that is written already, such as numbers that JavaScript does not hold. */
  jsonText(json: string): void {
    this.stdout.write(`${printableJson(json)}\n`);
  }

  /** One line of a `--json-stream` run. */
  jsonLine(value: unknown): void {
    this.stdout.write(`${printableJson(JSON.stringify(value))}\n`);
  }

  #fit(given: string): string {
    const text = printableLines(given);
    return this.#isUnicode ? text : text.replaceAll(/[^\0-\x7f]/g, (letter) => PLAIN[letter] ?? '?');
  }
}

/** A long line on several, each indented as the first. */
function folded(line: string, columns: number): string[] {
  const indent = /^ */.exec(line)?.[0] ?? '';
  const room = Math.max(20, columns - 1 - indent.length);
  return wrap(line.slice(indent.length), room, false).map((part) => `${indent}${part}`);
}

/** What stands for our own letters where the locale has only ASCII. */
const PLAIN: Record<string, string> = {
  '→': '->',
  '✓': 'OK',
  '…': '...',
  '–': '-',
  '·': '-',
  '•': '*',
  '“': '"',
  '”': '"',
  '’': "'",
  '─': '-',
  '│': '|',
  '┌': '+',
  '┐': '+',
  '└': '+',
  '┘': '+',
};

// An unset locale tells nothing: containers and cron have none, and their readers are files.
function isUnicode({ LC_ALL, LC_CTYPE, LANG }: NodeJS.ProcessEnv): boolean {
  const locale = LC_ALL || LC_CTYPE || LANG;
  return !locale || /utf-?8/i.test(locale);
}
