import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isHeldByAgent, needsTouch, usePrivateKey } from '../../../src/services/ssh/key.ts';
import { tempHome } from '../../support/temp-home.ts';

function makeKey(passphrase = '', type = 'ed25519'): string {
  const path = join(tempHome().root, 'key');
  execFileSync('ssh-keygen', ['-q', '-t', type, '-N', passphrase, '-C', 'me', '-f', path]);
  return path;
}

/** An agent that holds one key; the socket it answers at. */
async function agentWith(path: string, passphrase = ''): Promise<string> {
  const { root } = tempHome();
  const socket = join(root, 'agent');
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'ignore'] });
  onTestFinished(() => void agent.kill());
  await once(agent.stdout, 'data');
  const askpass = join(root, 'askpass');
  writeFileSync(askpass, `#!/bin/sh\necho '${passphrase}'\n`, { mode: 0o700 });
  execFileSync('ssh-add', ['-q', path], {
    env: {
      ...process.env,
      SSH_AUTH_SOCK: socket,
      SSH_ASKPASS: askpass,
      SSH_ASKPASS_REQUIRE: 'force',
      DISPLAY: ':0',
    },
    stdio: 'pipe',
  });
  return socket;
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

  it('one that belongs to somebody else may be read by a group, as ssh has it', async () => {
    const path = makeKey();
    chmodSync(path, 0o440);
    await expect(usePrivateKey(path)).rejects.toMatchObject({ code: 'sshKeyTooOpen' });
    if (process.getuid?.() !== 0) return;
    chownSync(path, 4711, 0);
    expect(await usePrivateKey(path)).toMatchObject({ path, needsAgent: false });
  });

  it.each([
    ['the line endings of Windows', (text: string) => text.replaceAll('\n', '\r\n'), 'sed -i'],
    ['no end of its last line', (text: string) => text.trimEnd(), 'echo >>'],
    ["PuTTY's format", () => 'PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n', 'puttygen'],
  ])('one with %s can be used, or is told how to be mended', async (_, spoilt, mend) => {
    const path = makeKey();
    writeFileSync(path, spoilt(readFileSync(path, 'utf8')), { mode: 0o600 });
    const key = await usePrivateKey(path).catch((error: unknown) => error);
    // Which of them OpenSSH reads depends on its version.
    if (!(key instanceof Error)) return expect(key).toMatchObject({ path });
    expect(key).toMatchObject({ code: 'sshKeyInvalid', detail: { next: expect.stringContaining(mend) } });
  });
});

describe('with an agent', () => {
  it.each([
    ['its public half beside it', false],
    ['its public half missing', true],
  ])('a key with a passphrase is used, %s', async (_, isMissing) => {
    const path = makeKey('secret');
    const socket = await agentWith(path, 'secret');
    if (isMissing) rmSync(`${path}.pub`);
    const key = await usePrivateKey(path, { SSH_AUTH_SOCK: socket });
    expect(key).toMatchObject({ path, needsAgent: true, agentSocket: socket });
    expect(await isHeldByAgent(path, socket)).toBe(true);
  });

  it('a public half will do', async () => {
    const path = makeKey();
    const socket = await agentWith(path);
    rmSync(path);
    for (const named of [path, `${path}.pub`]) {
      const key = await usePrivateKey(named, { SSH_AUTH_SOCK: socket });
      expect(key).toMatchObject({
        path: named,
        needsAgent: true,
        publicKey: expect.stringMatching(/^ssh-ed25519 /),
      });
    }
  });

  it('that only the configuration of ssh names, a key is found in it', async () => {
    const path = makeKey('secret');
    const socket = await agentWith(path, 'secret');
    const { root } = tempHome();
    mkdirSync(join(root, '.ssh'));
    writeFileSync(join(root, '.ssh', 'config'), `Host *\n  IdentityAgent ${socket}\n`);
    expect(await usePrivateKey(path, { HOME: root, SSH_AUTH_SOCK: '' })).toMatchObject({
      agentSocket: socket,
    });
  });

  it('that does not hold the key, the advice is to add it; without one, to start one first', async () => {
    const path = makeKey('secret');
    const socket = await agentWith(makeKey());
    const held = usePrivateKey(path, { SSH_AUTH_SOCK: socket });
    await expect(held).rejects.toMatchObject({ code: 'sshKeyLocked', detail: { hasAgent: true } });
    const none = usePrivateKey(path, { HOME: tempHome().root });
    await expect(none).rejects.toMatchObject({ code: 'sshKeyLocked', detail: { hasAgent: false } });
  });
});

describe('without one named', () => {
  const homeWith = (keys: Record<string, string>) => {
    const { root } = tempHome();
    for (const [name, passphrase] of Object.entries(keys)) {
      mkdirSync(dirname(join(root, name)), { recursive: true });
      execFileSync('ssh-keygen', [
        '-q',
        '-t',
        'ed25519',
        '-N',
        passphrase,
        '-C',
        'me',
        '-f',
        join(root, name),
      ]);
    }
    return root;
  };

  it('the first that can be used is, past one that is locked', async () => {
    const root = homeWith({ '.ssh/id_ed25519': 'secret', '.ssh/id_work': '' });
    expect(await usePrivateKey(undefined, { HOME: root })).toMatchObject({
      path: join(root, '.ssh/id_work'),
    });
  });

  it("runpodctl's own is found where there is no other", async () => {
    const root = homeWith({ '.runpod/ssh/RunPod-Key-Go': '' });
    const { path } = await usePrivateKey(undefined, { HOME: root });
    expect(path).toBe(join(root, '.runpod/ssh/RunPod-Key-Go'));
  });

  it('where none can be used, the first is told of', async () => {
    const root = homeWith({ '.ssh/id_ed25519': 'secret', '.ssh/id_rsa': 'secret' });
    const used = usePrivateKey(undefined, { HOME: root });
    await expect(used).rejects.toMatchObject({
      code: 'sshKeyLocked',
      detail: { path: join(root, '.ssh/id_ed25519') },
    });
  });
});
