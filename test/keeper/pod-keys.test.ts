import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { changeKeys, type KeyChange } from '../../src/keeper/pod-keys.ts';

const key = (letter: string) => `AAAAC3NzaC1lZDI1NTE5AAAAI${letter.repeat(20)}+/8=`;
const line = (letter: string, comment = letter) => `ssh-ed25519 ${key(letter)} ${comment}`;

/** A home whose authorized_keys a real shell changes. */
function pod(text: string | null) {
  const home = mkdtempSync(join(tmpdir(), 'ap-keys-'));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  const file = join(home, '.ssh', 'authorized_keys');
  if (text !== null) {
    mkdirSync(join(home, '.ssh'));
    writeFileSync(file, text);
  }
  const run = async (command: string, input: string) => {
    expect(command).toBe('exec sh -s autopod-keys');
    try {
      return execFileSync('sh', ['-s', 'autopod-keys'], {
        input,
        encoding: 'utf8',
        env: { HOME: home, PATH: process.env.PATH },
      });
    } catch (error) {
      return String((error as { stdout?: string }).stdout ?? '');
    }
  };
  return {
    home,
    file,
    change: (change: Partial<KeyChange>) =>
      changeKeys({ bootId: '', run }, { add: [], remove: [], ...change }),
    text: () => readFileSync(file, 'utf8'),
  };
}

describe('who may log in to a pod', () => {
  it('loses the lines of a key that goes, and no others', async () => {
    const others = `# ours\n${line('A', 'ann')}\n\nfrom="10.0.0.1" ${line('C', 'carol smith')}\n  ssh-rsa odd\\n$(id) %s\n`;
    const { change, text } = pod(`${others}${line('B', 'bob')}\ncommand="ls" ${line('B', 'bob again')}\n`);
    expect(await change({ remove: [key('B')] })).toBe(true);
    expect(text()).toBe(others);
  });

  it('has a key that comes once, however often it is said, and whatever ended the file', async () => {
    const { change, text } = pod(line('A'));
    for (let count = 0; count < 3; count += 1) expect(await change({ add: [line('B', 'bob@x')] })).toBe(true);
    expect(text()).toBe(`${line('A')}\n${line('B', 'bob@x')}\n`);
  });

  it('is a file that is made where there is none, closed to others', async () => {
    const { change, text, file } = pod(null);
    expect(await change({ add: [line('A')], remove: [key('B')] })).toBe(true);
    expect(text()).toBe(`${line('A')}\n`);
    expect(statSync(file).mode & 0o077).toBe(0);
  });

  it('keeps mode and place of the file, also behind a link, and leaves nothing beside it', async () => {
    const { change, file, home } = pod(`${line('A')}\n${line('B')}\n`);
    chmodSync(file, 0o640);
    const real = join(home, 'kept');
    execFileSync('mv', [file, real]);
    symlinkSync(real, file);
    expect(await change({ remove: [key('A')] })).toBe(true);
    expect(readFileSync(real, 'utf8')).toBe(`${line('B')}\n`);
    expect(statSync(real).mode & 0o777).toBe(0o640);
    expect(readdirSync(home).sort()).toEqual(['.ssh', 'kept']);
    expect(readdirSync(join(home, '.ssh'))).toEqual(['authorized_keys']);
  });

  it('is not changed where it cannot be, and that is said', async () => {
    const { change, file, home } = pod(`${line('A')}\n`);
    rmSync(file);
    mkdirSync(file);
    expect(await change({ remove: [key('A')] })).toBe(false);
    expect(readdirSync(join(home, '.ssh'))).toEqual(['authorized_keys']);
    expect(await changeKeys(undefined, { add: [], remove: [] })).toBe(false);
  });

  it('takes nothing that a shell would take for more than a key', async () => {
    const { change, text, home } = pod(`${line('A')}\n`);
    const bad = `ssh-ed25519 ${key('B')} x' ; touch "$HOME/pwned" ; '`;
    expect(await change({ add: [bad], remove: [`${key('A')}"*) touch "$HOME/pwned"`] })).toBe(true);
    expect(text()).toBe(`${line('A')}\n`);
    expect(readdirSync(home)).toEqual(['.ssh']);
  });
});
