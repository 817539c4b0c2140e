import { createInterface } from 'node:readline/promises';
import type { BatchFacts } from '../../machines/job-types.ts';
import type { JobStore } from '../../store/jobs.ts';
import type { Context } from '../context.ts';
import { runText } from '../text/run.ts';
import { cancelJobs } from './cancel.ts';

/**
 * What Ctrl-C means while jobs are followed: on a terminal it is asked, and a second one is an answer; elsewhere they
 * go on. How to follow and how to cancel is said before anything is asked.
 */
export async function interrupted(context: Context, store: JobStore, batch: BatchFacts): Promise<void> {
  const { out } = context;
  const { batchId, count } = batch;
  out.say(runText.goesOn(batchId));
  if (!process.stdin.isTTY || !out.stderr.isTTY || out.isJson) return;
  if (!(await wantsToCancel(runText.interruptQuestion(batchId, count)))) return;
  const ids = (await store.batchRecord(batchId))?.jobIds ?? [];
  await cancelJobs(context, store, batchId, ids, AbortSignal.timeout(CANCEL_MS));
  out.say(runText.cancelled(count));
}

const CANCEL_MS = 30_000;

async function wantsToCancel(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const again = new AbortController();
  terminal.once('SIGINT', () => again.abort());
  terminal.once('close', () => again.abort());
  try {
    return /^c(ancel)?$/i.test((await terminal.question(question, { signal: again.signal })).trim());
  } catch {
    return false; // a second Ctrl-C, or the terminal is gone
  } finally {
    terminal.close();
  }
}
