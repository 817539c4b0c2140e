import type { FailureCode, FailureDetail } from '../../errors.ts';
import { holder, holderAdvice, holderWords, leftWords, rate, str, strOr, untouchedWords } from './detail.ts';
import { ACCOUNT_FAILURES } from './failures/account.ts';
import { FLEET_FAILURES } from './failures/fleet.ts';
import { JOB_FAILURES } from './failures/jobs.ts';
import { PLACING_FAILURES } from './failures/placing.ts';
import { POD_FAILURES } from './failures/pods.ts';
import { SSH_FAILURES } from './failures/ssh.ts';
import type { Words } from './failures/words.ts';

export type { Words };

/** Words for every failure there is: a code without words does not compile. */
export const FAILURE_WORDS: Record<FailureCode, (detail: FailureDetail) => Words> = {
  internal: (d) => ({
    what: `autopod ran into a bug of its own: ${d.message ?? 'no message'}`,
    next: 'Run it again with AUTOPOD_DEBUG=1 and report what it prints. Whatever was begun is saved; `autopod up` goes on from there.',
  }),
  usage: (d) => ({
    what: str(d.message),
    next: strOr(d.next, `See \`${['autopod', strOr(d.command)].filter(Boolean).join(' ')} --help\`.`),
  }),
  interrupted: (d) =>
    d.resume
      ? {
          what: `Interrupted. ${leftWords(d)}`,
          next: `Continue with \`${str(d.resume)}\`${d.isNothingCreated ? '' : '; see what costs money with `autopod ls`'}.`,
        }
      : { what: ['Interrupted.', untouchedWords(d)].filter(Boolean).join(' ') },
  timedOut: (d) => ({
    what: 'The time allowed by --timeout is up.',
    why: d.podId ? `Pod ${str(d.podId)} exists${rate(d)}.` : undefined,
    next: d.resume
      ? `What was begun is saved: continue with \`${str(d.resume)}\`; see what costs money with \`autopod ls\`.`
      : 'Try again, or give it longer with --timeout.',
  }),
  declined: () => ({ what: 'Nothing was done.' }),
  confirmationNeeded: (d) => ({
    what: `${str(d.action)} needs a confirmation, and there is no terminal to ask in.`,
    next: strOr(d.next, 'Repeat the command with --yes.'),
  }),

  apiKeyMissing: (d) => ({
    what: 'There is no RunPod API key.',
    why: `Neither RUNPOD_API_KEY nor ${str(d.file)} nor runpodctl's configuration has one.`,
    next: 'Make a key at https://console.runpod.io/user/settings and set RUNPOD_API_KEY. To rehearse without an account: `autopod sim`.',
  }),
  configMalformed: (d) => ({
    what: `${str(d.file)} cannot be used, at ${str(d.place)}.`,
    why: str(d.reason),
    next: 'Correct that place; nothing was changed.',
  }),
  stateUnreadable: (d) => ({
    what: `${str(d.file)} cannot be read.`,
    why: strOr(d.reason),
    next: strOr(d.next, 'Check its owner and mode; autopod needs to read and write its own folder.'),
  }),
  stateDamaged: (d) => ({
    what: `${str(d.file)} is damaged.`,
    next: 'Nothing was changed. The next command that needs it keeps it aside under another name and asks RunPod.',
  }),
  stateNewer: (d) => ({
    what: `${d.file ? str(d.file) : `The record ${str(d.record)}`} was written by a later autopod${d.machine ? ` (${str(d.machine)})` : ''}.`,
    next: 'Update autopod. Nothing was changed.',
  }),
  lockBusy: (d) => ({
    what: `${d.pid ? holderWords(d) : 'Another autopod'} is busy with the same thing and did not finish in time.`,
    next: d.pid ? holderAdvice(d) : 'Try again.',
  }),
  homeNotOwned: (d) => ({
    what: `${str(d.file)} belongs to ${str(d.owner)}, and autopod runs as ${str(d.user)}.`,
    why: 'A command was run with sudo, or by another user. Nothing was changed.',
    next: `${str(d.command)}, then repeat the command without sudo.`,
  }),
  homelessUser: (d) => ({
    what: `HOME is not set, and the user id ${d.uid} has no entry in the system's list of users to tell its home.`,
    next: 'Set AUTOPOD_HOME to a folder for autopod, or HOME.',
  }),
  userUnknown: (d) => ({
    what: `The user id ${d.uid} has no entry in the system's list of users, and ssh refuses to run without one. Nothing was bought.`,
    why: `ssh says “No user exists for uid ${d.uid}”.`,
    next: `Give it one, as root: echo 'autopod:x:${d.uid}:${d.gid}::/tmp:/bin/sh' >> /etc/passwd. In a container: mount such an /etc/passwd, preload libnss_wrapper, or use a user the image knows.`,
  }),
  programReplaced: (d) => ({
    what: 'autopod was updated or removed while this command ran.',
    why: strOr(d.file) && `${str(d.file)} is not there any more.`,
    next: 'Repeat the command; what was begun is saved.',
  }),

  ...ACCOUNT_FAILURES,
  ...PLACING_FAILURES,
  ...POD_FAILURES,
  ...JOB_FAILURES,
  ...SSH_FAILURES,
  ...FLEET_FAILURES,

  localPortTaken: (d) => ({
    what: `Port ${d.port} on this machine is taken${holder(d)}.`,
    next:
      d.option === '--listen'
        ? 'Choose another with --listen HOST:PORT.'
        : d.option === '--port'
          ? 'Choose another with --port N, or leave it out for a free one.'
          : 'Choose another with --local-port N, or --local-port auto for the next free one.',
  }),
  keeperUnreachable: (d) => ({
    what: d.isUnseen
      ? `The background process that holds the tunnels runs elsewhere and cannot be reached from here: ${holderWords(d)}.`
      : 'The background process that holds the tunnels does not start or does not answer.',
    why: strOr(d.detail),
    next: d.isUnseen
      ? holderAdvice({ ...d, file: strOr(d.file, 'the highest number in locks/keeper of AUTOPOD_HOME') })
      : `Its log is ${strOr(d.log, 'logs/autopod.log in AUTOPOD_HOME')}.`,
  }),
};
