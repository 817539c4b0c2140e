import { AutopodError } from '../../errors.ts';
import type { Row } from './rows.ts';
import { MOST_JOBS, type Sweep } from './sweep.ts';

/** One job of a batch as the command line asks for it. */
export interface Variant {
  /** `NODE.INPUT=VALUE`, the later one counts. */
  changes: string[];
  /** As for `--seed`. */
  seed: string;
  /** Whether the seed was asked for, so that a workflow without one is told. */
  isSeedAsked: boolean;
  name: string | undefined;
  /** Where the row it comes of stands; empty without rows. */
  at: string;
}

export interface Asked {
  changes: string[];
  seed: string | undefined;
  rows: Row[];
  sweeps: Sweep[];
  count: number;
}

/** How many jobs that makes. Throws `usage` for more than `MOST_JOBS`. */
export function countOf({ rows, sweeps, count }: Asked): number {
  const jobs =
    sweeps.reduce((product, { values }) => product * values.length, Math.max(1, rows.length)) * count;
  if (jobs > MOST_JOBS) {
    throw new AutopodError('usage', { message: `That makes ${jobs} jobs; ${MOST_JOBS} are the most.` });
  }
  return jobs;
}

/**
 * Every job: each row, with each combination of the sweeps (the last one changes fastest), `count` times. Without
 * `--seed` the first of those has the workflow's own seed and the others random ones; a number counts up from there.
 */
export function* variants({ changes, seed, rows, sweeps, count }: Asked): Generator<Variant> {
  const none: Row = { at: '', changes: [], seed: undefined, name: undefined };
  for (const row of rows.length > 0 ? rows : [none]) {
    for (const swept of combinations(sweeps)) {
      const asked = row.seed ?? seed;
      for (let nth = 0; nth < count; nth++) {
        yield {
          changes: [...changes, ...row.changes, ...swept],
          seed: asked === undefined ? (nth === 0 ? 'same' : 'random') : later(asked, nth),
          isSeedAsked: asked !== undefined,
          name: row.name,
          at: row.at,
        };
      }
    }
  }
}

function* combinations([first, ...others]: Sweep[]): Generator<string[]> {
  if (!first) {
    yield [];
    return;
  }
  for (const value of first.values) {
    for (const rest of combinations(others)) yield [`${first.target}=${value}`, ...rest];
  }
}

function later(seed: string, nth: number): string {
  return /^-?\d+$/.test(seed) ? String(BigInt(seed) + BigInt(nth)) : seed;
}
