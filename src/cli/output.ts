import type { Writable } from 'node:stream';

/** Where words and data go: data to stdout, words and progress to stderr. */
export class Output {
  readonly stdout: Writable & { isTTY?: boolean; columns?: number };
  readonly stderr: Writable & { isTTY?: boolean; columns?: number };
  readonly isJson: boolean;
  /** Whether stderr may be coloured and redrawn. */
  readonly isLive: boolean;
  readonly hasColor: boolean;

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
  }

  /** One line of data. */
  line(text = ''): void {
    this.stdout.write(`${text}\n`);
  }

  /** One line of words; left out with `--json`. */
  say(text: string): void {
    if (!this.isJson) this.stderr.write(`${text}\n`);
  }

  /** The one JSON value of a `--json` run. */
  json(value: unknown): void {
    this.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
  }

  /** One line of a `--json-stream` run. */
  jsonLine(value: unknown): void {
    this.stdout.write(`${JSON.stringify(value)}\n`);
  }
}
