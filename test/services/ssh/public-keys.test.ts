import { describe, expect, it } from 'vitest';
import { letsIn, publicKeysIn } from '../../../src/services/ssh/public-keys.ts';

const OURS = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOurs= me@here';

describe('whether a pod lets our key in', () => {
  it.each<[title: string, authorized: string | undefined, expected: boolean | undefined]>([
    ['the same line', OURS, true],
    ['another comment', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOurs= me@there', true],
    ['no comment, two blanks', 'ssh-ed25519  AAAAC3NzaC1lZDI1NTE5AAAAIOurs=', true],
    ['among others, with CRLF', `ssh-rsa AAAAB3Nza== a\r\n${OURS}\r\n`, true],
    ['options before it', `no-pty,command="a b" ${OURS}`, true],
    ['another body', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAITheirs me@here', false],
    ['another type', 'sk-ssh-ed25519@openssh.com AAAAC3NzaC1lZDI1NTE5AAAAIOurs= me@here', false],
    ['commented out', `# ${OURS}`, undefined],
    ['nothing', '', undefined],
    ['no such variable', undefined, undefined],
    ['no key at all', 'hello world', undefined],
  ])('%s', (_title, authorized, expected) => {
    expect(letsIn(authorized, OURS)).toBe(expected);
  });

  it('keys are told by their comments', () => {
    expect(publicKeysIn(`${OURS}\nssh-rsa AAAAB3Nza==`).map(({ comment }) => comment)).toEqual([
      'me@here',
      '',
    ]);
  });
});
