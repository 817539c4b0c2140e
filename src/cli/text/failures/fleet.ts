import type { FailureDetail } from '../../../errors.ts';
import { clockTime, str, strOr } from '../detail.ts';
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
  storageMissing: (d: FailureDetail) => ({
    what: 'The SDK with which files are put into a bucket is not installed.',
    why: strOr(d.detail),
    next: 'Install it with `autopod serve storage --install`: about 25 MB, by npm, into AUTOPOD_HOME.',
  }),
  storageUnreachable: (d: FailureDetail) => ({
    what: `The bucket ${bucketOf(d)} does not answer, or cannot just now.`,
    why: strOr(d.detail),
    next: 'Nothing is lost: what was made stays on the disk of the server and goes there later. Try again in a while.',
  }),
  storageRefused: (d: FailureDetail) => ({ why: strOr(d.detail), ...refusalWords(d) }),
  serverDiskFull: (d: FailureDetail) => ({
    what: `The disk of the fleet's server has no room for more: ${strOr(d.why, 'it is nearly full')}.`,
    next: 'Nothing was taken in; jobs that run go on. Whoever runs the server makes room, or lets it keep less: autopod serve storage',
  }),
  filesCleaned: (d: FailureDetail) => ({
    what: `What job ${str(d.job)} made was removed on ${clockTime(str(d.at))}.`,
    why: 'The fleet keeps files for as long as `autopod serve storage` says on the server.',
    next: `Have it made again: autopod jobs retry ${str(d.job)}`,
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

function bucketOf({ bucket, endpoint }: FailureDetail): string {
  return `${strOr(bucket, 'of the fleet')}${endpoint ? ` at ${str(endpoint)}` : ''}`;
}

/** Why a bucket refuses. */
function refusalWords(d: FailureDetail): { what: string; next: string } {
  const named = bucketOf(d);
  switch (d.reason) {
    case 'credentials':
      return {
        what: `The bucket ${named} does not know the server's credentials.`,
        next: 'Check access key and secret key: a file named with --credentials, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY where the server runs.',
      };
    case 'denied':
      return {
        what: `The bucket ${named} does not let these credentials do that.`,
        next: 'They have to be allowed to read, write and delete objects there.',
      };
    case 'noBucket':
      return { what: `There is no bucket ${named}.`, next: 'Make it, or correct its name or --endpoint.' };
    case 'clock':
      return {
        what: `The bucket ${named} finds the clock of this machine wrong.`,
        next: 'Set the clock, as with `timedatectl set-ntp true`.',
      };
    case 'region':
      return { what: `The bucket ${named} is in another region.`, next: 'Say which with --region.' };
    case 'full':
      return {
        what: `There is no room left in the bucket ${named}.`,
        next: 'Make room there, or take another one; until then files stay on the disk of the server.',
      };
    default:
      return {
        what: `The bucket ${named} refuses.`,
        next: 'What was made stays on the disk of the server, and goes there once it does not.',
      };
  }
}
