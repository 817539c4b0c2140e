import type { FailureDetail } from '../../../errors.ts';
import { str, strOr } from '../detail.ts';
import type { WordsOf } from './words.ts';

/** A fleet: its engine, its gateway, its people. */
export const FLEET_FAILURES = {
  engineMissing: (d: FailureDetail) => ({
    what: d.isBuilt
      ? "Restate's server, which keeps the machines of a fleet, is not installed."
      : `Restate, which keeps the machines of a fleet, makes no server for ${str(d.system)}.`,
    why: strOr(d.detail),
    next: d.isBuilt
      ? 'Install it with `autopod serve --install`: about 225 MB, by npm, into AUTOPOD_HOME.'
      : 'Serve from a machine with Linux or macOS.',
  }),
  engineUnreachable: (d: FailureDetail) => ({
    what: "Restate's server does not answer, or refuses.",
    why: strOr(d.detail),
    next: `Nothing is lost: what was begun goes on once it answers. Its log is ${strOr(d.log, 'fleet/restate/restate.log in AUTOPOD_HOME')}.`,
  }),
} satisfies WordsOf;
