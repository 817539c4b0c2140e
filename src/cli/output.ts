import type { Writable } from 'node:stream';

/** Where words and data go: data to stdout, words and progress to stderr. */
export class Output {
  readonly stdout: Writable & { isTTY?: boolean; columns?: number };
  readonly stderr: Writable & { isTTY?: boolean; columns?: number };
  readonly isJson: boolean;
  /** Whether stderr may be coloured and redrawn. */
  readonly isLive: boolean;
  readonly hasColor: boolean;
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
    this.hasColor = Boolean(streams.stdout.isTTY) && env.TERM !== 'dumb' && !env.NO_COLOR;
    this.#isUnicode = isUnicode(env);
  }

  /** One line of data. */
  line(text = ''): void {
    this.stdout.write(this.#fit(`${text}\n`));
  }

  /** One line of words; left out with `--json`. */
  say(text: string): void {
    if (!this.isJson) this.stderr.write(this.#fit(`${text}\n`));
  }

  /** What is redrawn at the bottom of a terminal. */
  redraw(text: string): void {
    this.stderr.write(`\r\x1b[K${this.#fit(text).slice(0, (this.stderr.columns ?? 80) - 1)}`);
  }

  /** The one JSON value of a `--json` run. */
  json(value: unknown): void {
    this.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
  }

  /** One line of a `--json-stream` run. */
  jsonLine(value: unknown): void {
    this.stdout.write(`${JSON.stringify(value)}\n`);
  }

  #fit(text: string): string {
    return this.#isUnicode ? text : text.replaceAll(/[^\0-\x7f]/g, (letter) => PLAIN[letter] ?? '?');
  }
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
