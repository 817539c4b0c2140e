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
  recordUnkept: (d: FailureDetail) => ({
    what: 'The fleet’s server cannot write down what it is to do, so it has done nothing.',
    why: strOr(d.reason),
    next: 'Make room on its disk; what was begun before goes on by itself then. `autopod serve status` there says what waits.',
  }),
  notAdmitted: (d: FailureDetail) => ({
    what: d.url ? `The fleet at ${str(d.url)} does not let you in.` : 'The fleet does not let you in.',
    why: 'It does not know the token or the invitation: one that was taken back, or an invitation that was used or is a day old.',
    next: 'Ask whoever runs it for another invitation (`autopod serve invite`), and log in with it.',
  }),
  notAllowed: (d: FailureDetail) => ({
    what: d.owner
      ? `${ofWhat(d)} is ${str(d.owner)}'s: only they or an admin may do that.`
      : `That takes the role ${str(d.needed)}, and yours is ${str(d.role)}.`,
    next: 'Nothing was done. Roles are given with `autopod serve invite NAME --role` on the server.',
  }),
  gatewayRefused: (d: FailureDetail) => ({
    what: `The fleet refuses the request: ${strOr(d.reason, 'it gives no reason')}.`,
    next: 'Its autopod and this one may be of different versions: update the earlier one.',
  }),
  fleetUnreachable: (d: FailureDetail) => ({
    what: `No fleet answers at ${strOr(d.url, 'its address')}.`,
    why: strOr(d.detail),
    next: 'Check the address and the network; pods and their plans go on without this machine.',
  }),
} satisfies WordsOf;

function ofWhat({ podId, job, pool }: FailureDetail): string {
  if (job) return `Job ${str(job)}`;
  return pool ? `Pool ${str(pool)}` : `Pod ${str(podId)}`;
}
