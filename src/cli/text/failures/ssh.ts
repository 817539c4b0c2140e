import type { FailureDetail } from '../../../errors.ts';
import { OLDEST_OPENSSH } from '../../../services/ssh/oldest.ts';
import { rate, str, strOr } from '../detail.ts';
import type { WordsOf } from './words.ts';

/** Failures of ssh, its key and its way to the pod. */
export const SSH_FAILURES = {
  sshMissing: (d: FailureDetail) => ({
    what: `${strOr(d.program, 'ssh')} is not installed, or not on PATH.`,
    next: "Install OpenSSH's client (Debian: apt install openssh-client; macOS has it).",
  }),
  sshTooOld: (d: FailureDetail) => ({
    what: 'The installed ssh does not know an option autopod needs.',
    why: strOr(d.detail),
    next: `Install OpenSSH ${OLDEST_OPENSSH} or later.`,
  }),
  sshKeyMissing: (d: FailureDetail) => ({
    what: d.path ? `The ssh key ${str(d.path)} does not exist.` : 'There is no ssh key in ~/.ssh.',
    next: d.path
      ? 'Correct providers.runpod.ssh_key_path in config.json.'
      : 'Make one with `ssh-keygen -t ed25519`. autopod gives its public half to the pod; RunPod needs nothing else.',
  }),
  sshKeyTooOpen: (d: FailureDetail) => ({
    what: `Others on this machine can read the ssh key ${str(d.path)}, so ssh will not use it.`,
    next: `chmod 600 ${str(d.path)}`,
  }),
  sshKeyInvalid: (d: FailureDetail) => ({
    what: `${str(d.path)} is not a private ssh key.`,
    why: strOr(d.detail),
    next: strOr(d.next, 'Name a private key in providers.runpod.ssh_key_path of config.json.'),
  }),
  sshKeyLocked: (d: FailureDetail) => ({
    what: `The ssh key ${str(d.path)} has a passphrase, and ${d.isPublicHalfMissing ? 'its public half is missing' : 'no agent holds it'}.`,
    next: d.isPublicHalfMissing
      ? `Make the public half, ssh-keygen -y -f ${str(d.path)} > ${str(d.path)}.pub, then ssh-add ${str(d.path)}, and repeat the command.`
      : `${d.hasAgent ? '' : 'eval "$(ssh-agent)" && '}ssh-add ${str(d.path).replace(/\.pub$/, '')}, then repeat the command in the same terminal.`,
  }),
  sshKeyRefused: (d: FailureDetail) => ({
    what: `Pod ${str(d.podId)} does not accept the ssh key${d.path ? ` ${str(d.path)}` : ''}.`,
    why: 'A pod takes the keys it was created with.',
    next: 'Use the key the pod was made with (providers.runpod.ssh_key_path), or make a pod with `autopod up --new`.',
  }),
  sshHostKeyChanged: (d: FailureDetail) => ({
    what: `What answers for pod ${str(d.podId)} has another host key than before, though the pod has not restarted.`,
    why: 'Somebody may be in between, or the address now belongs to another pod.',
    next: 'Restart the pod (`autopod restart`) if you did not expect this.',
  }),
  sshForwardingForbidden: (d: FailureDetail) => ({
    what: `The sshd of pod ${str(d.podId)} forbids forwarding.`,
    next: 'Use an image whose sshd allows AllowTcpForwarding.',
  }),
  sshPathUnusable: (d: FailureDetail) => ({
    what: `ssh cannot be given the path ${strOr(d.path, 'of a file it needs')}.`,
    why: strOr(d.detail, `ssh replaces \${…} in file names, and takes no name of several lines.`),
    next: 'Choose a path without such letters: AUTOPOD_HOME for the folder of autopod, providers.runpod.ssh_key_path for the key.',
  }),
  podUnproven: (d: FailureDetail) => ({
    what: `What answers${d.host ? ` at ${str(d.host)}:${d.port}` : ''} did not prove to be pod ${str(d.podId)}: ${strOr(d.detail, 'no proof')}.`,
    why: `Somebody else may answer at that address, so autopod sends nothing there.${d.costPerHour === undefined ? '' : ` The pod is kept${rate(d)}.`}`,
    next: `\`autopod restart ${str(d.podId)}\` gives the pod another address. If it stays, make another pod with \`autopod up --new\`; docs/guides/security.md tells what is proven and how.`,
  }),
  sshUnreachable: (d: FailureDetail) => ({
    what: `Pod ${str(d.podId)} cannot be reached over ssh.`,
    why: strOr(d.detail),
    next: 'Check the network; `autopod tunnel --status` tells how it goes on.',
  }),
} satisfies WordsOf;
