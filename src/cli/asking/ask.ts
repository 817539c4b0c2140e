import { createInterface } from 'node:readline/promises';
import { AutopodError } from '../../errors.ts';
import type { Context } from '../context.ts';

/** Asks a yes-or-no question on the terminal; `confirmationNeeded` where there is none. No is the default. */
export async function confirm(
  { out, signal, deadline }: Context,
  action: string,
  question: string,
): Promise<boolean> {
  if (!process.stdin.isTTY || !out.stderr.isTTY || out.isJson) {
    throw new AutopodError('confirmationNeeded', { action });
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const interrupted = new AbortController();
  terminal.once('SIGINT', () => interrupted.abort());
  try {
    const over = AbortSignal.any([signal, interrupted.signal]);
    const answer = await deadline.pausedWhile(() => terminal.question(question, { signal: over }));
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
