import { Writable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { run } from '../../src/cli/run.ts';
import type { TestWorld } from './world.ts';

export interface Shown {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs one command line in this process, its output going to a pipe or to a terminal of 80 columns. */
export async function inProcess(
  { env }: Pick<TestWorld, 'env'>,
  argv: string[],
  isTerminal = false,
  signal = new AbortController().signal,
): Promise<Shown> {
  const stdout = new Sink(isTerminal);
  const stderr = new Sink(isTerminal);
  const { NO_COLOR: _, ...colorful } = env;
  const code = await run(argv, { stdout, stderr }, isTerminal ? colorful : env, signal);
  return { code, stdout: stdout.text, stderr: stderr.text };
}

class Sink extends Writable {
  text = '';
  readonly isTTY: boolean;
  readonly columns = 80;

  constructor(isTTY: boolean) {
    super({ decodeStrings: false });
    this.isTTY = isTTY;
  }

  override _write(chunk: string | Buffer, _encoding: string, done: () => void): void {
    this.text += String(chunk);
    done();
  }
}

/** What differs from run to run, by names of equal width where a table needs it. */
export function steady(text: string, { home, simulator }: TestWorld, podId: string): string {
  return (
    stripVTControlCharacters(text)
      .replaceAll(home, '~')
      .replaceAll(simulator.url, 'API')
      .replaceAll(podId, 'POD'.padEnd(podId.length, '-'))
      .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}/g, 'LAUNCH')
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
      .replaceAll(/\d{4}-\d\d-\d\dT[\d.-]+Z/g, 'BOOT')
      .replaceAll(/\d{4}-\d\d-\d\d/g, 'DAY')
      .replaceAll(/\b\d\d:\d\d:\d\d\b/g, 'HH:MM:SS')
      .replaceAll(/ssh -p \d+/g, 'ssh -p PORT')
      .replaceAll(/127\.0\.0\.1:\d+/g, 'ADDRESS')
      .replaceAll(/127\.0\.0\.1 port \d+/g, 'ADDRESS')
      .replaceAll(/(localhost:|local port )\d+/g, '$1PORT')
      .replaceAll(/\bpid \d+|process \d+/g, 'PID')
      // A second ssh stands by some moment after the first, on a busy machine later.
      .replaceAll('; PID stands by', '')
      .replaceAll(/autopod-\d{12}-[0-9a-f]{4}/g, 'NAME')
      .replaceAll(/\b\d+(\.\d)? (kB|B|MB)\b/g, 'N bytes')
      .replaceAll(/\b\d+(\.\d)? (s|ms)\b/g, 'N $2')
      .replaceAll(/\b\d+[sm]\b/g, 'Ns')
      .replaceAll(/\$0\.\d\d in/g, '$0.00 in')
      .replaceAll(/[0-9a-f]{12}\.ctl/g, 'ID.ctl')
      .replaceAll(/AAAA\S+/g, 'KEY')
      .replaceAll(/^( +(?:Port|HostName)) .*/gm, '$1 X')
      .replaceAll(/ {2,}/g, '  ')
      .replaceAll(/(ADDRESS {2})\d+/g, '$1PID')
      .replaceAll(/ {2}(?:–|Ns) {2}\$0\.\d\d/g, '  Ns  $0.00')
      .replaceAll(/─+/g, '─')
      .replaceAll(/ +│$/gm, ' │')
  );
}
