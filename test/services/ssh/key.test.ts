import { execFileSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { needsTouch, usePrivateKey } from '../../../src/services/ssh/key.ts';
import { tempHome } from '../../support/temp-home.ts';

function makeKey(passphrase = '', type = 'ed25519'): string {
  const path = join(tempHome().root, 'key');
  execFileSync('ssh-keygen', ['-q', '-t', type, '-N', passphrase, '-C', 'me', '-f', path]);
  return path;
}

describe('the private key', () => {
  for (const type of ['ed25519', 'ecdsa', 'rsa']) {
    it(`a usable ${type} key tells its public half`, async () => {
      const path = makeKey('', type);
      const key = await usePrivateKey(path);
      expect(key).toMatchObject({ path, needsAgent: false });
      expect(key.publicKey).toMatch(/^(ssh-|ecdsa-)\S+ \S+/);
    });
  }

  it('one that does not exist is named', async () => {
    await expect(usePrivateKey('/nowhere/key')).rejects.toMatchObject({
      code: 'sshKeyMissing',
      detail: { path: '/nowhere/key' },
    });
  });

  it('one that others can read is refused, as ssh would', async () => {
    const path = makeKey();
    chmodSync(path, 0o644);
    await expect(usePrivateKey(path)).rejects.toMatchObject({
      code: 'sshKeyTooOpen',
      detail: { mode: '644' },
    });
  });

  it('one in a security key is to be touched, others are not', async () => {
    expect(await needsTouch(makeKey())).toBe(false);
    const path = join(tempHome().root, 'id_ed25519_sk');
    const blob = Buffer.from('openssh-key-v1\0\0\0\0\x1ask-ssh-ed25519@openssh.com').toString('base64');
    writeFileSync(path, `-----BEGIN OPENSSH PRIVATE KEY-----\n${blob}\n-----END OPENSSH PRIVATE KEY-----\n`);
    expect(await needsTouch(path)).toBe(true);
  });

  it('a file that is no key is told from one with a passphrase', async () => {
    const path = join(tempHome().root, 'note.txt');
    writeFileSync(path, 'hello\n', { mode: 0o600 });
    await expect(usePrivateKey(path)).rejects.toMatchObject({ code: 'sshKeyInvalid' });
    await expect(usePrivateKey(`${makeKey()}.pub`)).rejects.toMatchObject({ name: 'AutopodError' });
  });

  it('one with a passphrase that no agent holds says so', async () => {
    await expect(usePrivateKey(makeKey('secret'))).rejects.toMatchObject({ code: 'sshKeyLocked' });
  });
});
