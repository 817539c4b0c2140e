import type { Failure, FailureCode } from '../../errors.ts';

/** What ssh says, and what it means. All but everything ends with exit code 255, so only the words tell. */
const MEANINGS: [RegExp, FailureCode][] = [
  [/REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed/i, 'sshHostKeyChanged'],
  [/UNPROTECTED PRIVATE KEY FILE/i, 'sshKeyTooOpen'],
  [/Identity file .* not accessible/i, 'sshKeyMissing'],
  [/Load key .*(error in libcrypto|invalid format)/i, 'sshKeyInvalid'],
  [/Permission denied/i, 'sshKeyRefused'],
  [/administratively prohibited/i, 'sshForwardingForbidden'],
  [
    /Bad (local )?forwarding specification|invalid quotes|env var .* has no value|keyword .* extra arguments/i,
    'sshPathUnusable',
  ],
  [/Bad configuration option|Bad SSH2 cipher spec|unknown option|illegal option/i, 'sshTooOld'],
];

/**
 * The failure that an ssh's last words stand for. What names no lasting reason is taken as passing: the network,
 * a pod that moved, an sshd that is not up yet.
 */
export function classifySsh(stderr: string, about: { podId: string; path: string }): Failure {
  const code = MEANINGS.find(([pattern]) => pattern.test(stderr))?.[1] ?? 'sshUnreachable';
  const lines = stderr.split('\n').map((line) => line.trim());
  const detail =
    lines.findLast((line) => line && !/^@|^Warning: Permanently added/.test(line)) ??
    'ssh ended without a word';
  return { code, detail: { ...about, detail } };
}
