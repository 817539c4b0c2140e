import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Challenge } from '../../../src/services/ssh/challenge.ts';

const SECRET = `${'0f'.repeat(31)}9c`;
const folder = mkdtempSync(join(tmpdir(), 'ap-challenge-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const environ = join(folder, 'environ');
writeFileSync(environ, ['LANG=C', `AUTOPOD_POD_SECRET=${SECRET}`, 'PUBLIC_KEY=one\ntwo', ''].join('\0'));

/** Runs the answer as a login shell would, with this file in place of the container's environment. */
function answered(challenge: Challenge, { shell = 'sh', from = environ, path = process.env.PATH } = {}) {
  const command = challenge.command.replace('/proc/1/environ', from);
  const program = execFileSync('which', [shell], { encoding: 'utf8' }).trim();
  return spawnSync(program, ['-c', command], { input: 'beat', env: { PATH: path } }).stdout;
}

/** A PATH with what the answer takes and these. */
function pathWith(...tools: string[]): string {
  const bin = mkdtempSync(join(folder, 'bin-'));
  for (const tool of ['sh', 'tr', 'sed', 'cat', ...tools])
    symlinkSync(execFileSync('which', [tool], { encoding: 'utf8' }).trim(), join(bin, tool));
  return bin;
}

describe('the challenge a pod answers', () => {
  const shells = ['sh', 'dash', 'bash', 'fish', 'zsh', 'tcsh'].filter(
    (shell) => spawnSync('which', [shell]).status === 0,
  );
  it.each(shells)('is answered under %s as a login shell, and what follows is echoed', (shell) => {
    const challenge = new Challenge(SECRET);
    const said = answered(challenge, { shell });
    expect(challenge.read(said)).toBe('proven');
    expect(said.toString()).toMatch(/\nbeat$/);
  });

  it.each([['sha256sum'], ['openssl']])('is answered with %s alone', (tool) => {
    const challenge = new Challenge(SECRET);
    expect(challenge.read(answered(challenge, { path: pathWith(tool) }))).toBe('proven');
  });

  it.runIf(existsSync('/usr/bin/python3'))('is answered with python3 alone', () => {
    const bin = pathWith();
    symlinkSync('/usr/bin/python3', join(bin, 'python3'));
    const challenge = new Challenge(SECRET);
    expect(challenge.read(answered(challenge, { path: bin }))).toBe('proven');
  });

  it('without any of them says so', () => {
    const challenge = new Challenge(SECRET);
    expect(challenge.read(answered(challenge, { path: pathWith() }))).toBe('noTool');
  });

  it.each([
    ['no such variable', 'LANG=C\0'],
    ['one that is not ours', 'AUTOPOD_POD_SECRET={{ RUNPOD_SECRET_x }}\0'],
    ['nothing', ''],
  ])('from an environment with %s says that there is no secret', (_, content) => {
    const from = join(folder, 'other');
    writeFileSync(from, content);
    const challenge = new Challenge(SECRET);
    expect(challenge.read(answered(challenge, { from }))).toBe('noSecret');
  });

  it('answered with another secret, or with the answer to another question, is wrong', () => {
    const other = new Challenge('1'.repeat(64));
    expect(other.read(answered(other))).toBe('wrong');
    const [first, second] = [new Challenge(SECRET), new Challenge(SECRET)];
    const mark = second.command.split(' ').at(-1);
    const replayed = answered(first).toString().replace(/\w+=/, `${mark}=`);
    expect(second.read(Buffer.from(replayed))).toBe('wrong');
  });

  it('is found in whatever a login shell says around it, in pieces, and not in the command repeated', () => {
    const challenge = new Challenge(SECRET);
    const said = Buffer.concat([Buffer.from(`Welcome\n${challenge.command}\nx=1 `), answered(challenge)]);
    const verdicts = [...said.subarray(0, -4)].map((byte) => challenge.read(Buffer.from([byte])));
    expect(verdicts.filter((verdict) => verdict !== undefined)).toEqual(['proven']);
  });

  it('asks each time another question, and the secret is not in it', () => {
    const commands = Array.from({ length: 100 }, () => new Challenge(SECRET).command);
    expect(new Set(commands).size).toBe(100);
    expect(commands.join()).not.toContain(SECRET);
  });

  it('puts the secret on no command line of the pod', () => {
    const challenge = new Challenge(SECRET);
    const bin = pathWith();
    const log = join(folder, 'arguments');
    for (const tool of ['sha256sum', 'tr', 'sed', 'printf']) {
      const real = execFileSync('which', [tool], { encoding: 'utf8' }).trim();
      rmSync(join(bin, tool), { force: true });
      writeFileSync(join(bin, tool), `#!/bin/sh\necho "$@" >>${log}\nexec ${real} "$@"\n`, { mode: 0o755 });
    }
    expect(challenge.read(answered(challenge, { path: bin }))).toBe('proven');
    expect(execFileSync('cat', [log], { encoding: 'utf8' })).not.toContain(SECRET.slice(0, 12));
  });
});
