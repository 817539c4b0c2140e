import { describe, expect, it } from 'vitest';
import type { FailureCode } from '../../../src/errors.ts';
import { FAILURES } from '../../../src/errors.ts';
import { classifySsh } from '../../../src/services/ssh/classify.ts';

/** OpenSSH 9.2's own words. */
const WORDS: Record<string, FailureCode> = {
  'ssh: connect to host 203.0.113.7 port 41022: Connection refused': 'sshUnreachable',
  'ssh: connect to host 203.0.113.7 port 41022: Connection timed out': 'sshUnreachable',
  'ssh: connect to host 203.0.113.7 port 41022: No route to host': 'sshUnreachable',
  'ssh: connect to host 203.0.113.7 port 41022: Network is unreachable': 'sshUnreachable',
  'ssh: Could not resolve hostname nowhere: Name or service not known': 'sshUnreachable',
  'kex_exchange_identification: Connection closed by remote host': 'sshUnreachable',
  'Connection closed by 203.0.113.7 port 41022': 'sshUnreachable',
  'Timeout, server 203.0.113.7 not responding.': 'sshUnreachable',
  'client_loop: send disconnect: Broken pipe': 'sshUnreachable',
  'root@203.0.113.7: Permission denied (publickey).': 'sshKeyRefused',
  'Warning: Identity file /k not accessible: No such file or directory.': 'sshKeyMissing',
  '@         WARNING: UNPROTECTED PRIVATE KEY FILE!          @': 'sshKeyTooOpen',
  'Load key "/k": error in libcrypto': 'sshKeyInvalid',
  '@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @': 'sshHostKeyChanged',
  'Host key verification failed.': 'sshHostKeyChanged',
  'command-line: line 0: Bad configuration option: frobnicate': 'sshTooOld',
  'channel 2: open failed: administratively prohibited: open failed': 'sshForwardingForbidden',
  '': 'sshUnreachable',
};

describe('what ssh says', () => {
  for (const [words, code] of Object.entries(WORDS)) {
    it(`“${words.slice(0, 60)}” is ${code}`, () => {
      expect(classifySsh(words, { podId: 'p', path: '/k' })).toMatchObject({
        code,
        detail: { podId: 'p', path: '/k' },
      });
    });
  }

  it('only the network is tried again', () => {
    const retried = Object.values(WORDS).filter((code) => FAILURES[code].retryable);
    expect(new Set(retried)).toEqual(new Set(['sshUnreachable']));
  });

  it('a reason among other lines is found', () => {
    const words =
      "Warning: Permanently added 'x' to the list of known hosts.\nroot@h: Permission denied (publickey).\n";
    expect(classifySsh(words, { podId: 'p', path: '/k' })).toMatchObject({
      code: 'sshKeyRefused',
      detail: { detail: 'root@h: Permission denied (publickey).' },
    });
  });
});
