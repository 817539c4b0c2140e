import type { ChildProcess } from 'node:child_process';
import { until } from './until.ts';

/** Resolves when a command has said these words on stderr since this was called. */
export function says({ stderr }: ChildProcess, words: RegExp): Promise<boolean> {
  let said = '';
  stderr?.on('data', (text) => {
    said += text;
  });
  return until(`it says ${words}`, () => words.test(said));
}
