import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { readyPod, simulate } from './support/simulator.ts';
import { generateKey, runSsh, scratchDirectory, sshArguments } from './support/ssh.ts';

/** scp and sftp take ssh's options, but for the port's letter and the shell's. */
async function copyTo() {
  const { simulator, pod, target } = await reachable();
  const options = sshArguments(target).slice(1, -3);
  const copy = (...paths: string[]) => end('scp', [...options, '-P', String(target.port), '-q', ...paths]);
  return { simulator, pod, target, options, copy, remote: (path: string) => `root@127.0.0.1:${path}` };
}

async function reachable() {
  const directory = scratchDirectory();
  const key = generateKey(directory);
  const simulator = await simulate();
  const pod = await readyPod(simulator, { env: { PUBLIC_KEY: key.publicKey } });
  return { simulator, pod, target: { directory, keyFile: key.file, port: pod.sshd.port } };
}

/** What it printed; throws what it complained of. Not in this thread, which serves the simulator. */
async function end(program: string, argv: string[], input = ''): Promise<string> {
  const child = spawn(program, argv, { stdio: 'pipe', timeout: 60_000 });
  child.stdin.end(input);
  const [shown, complaint, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  if (code !== 0) throw new Error(complaint);
  return shown;
}

it('scp takes a file to the pod and brings it back', async () => {
  const { target, copy, remote } = await copyTo();
  const bytes = randomBytes(3_000_000);
  const [here, back] = [join(target.directory, 'model.bin'), join(target.directory, 'back.bin')];
  writeFileSync(here, bytes);
  await copy(here, remote('/workspace/'));
  await copy(remote('/workspace/model.bin'), back);
  expect(readFileSync(back).equals(bytes)).toBe(true);
});

it('scp takes a folder, and sftp lists, renames and removes', async () => {
  const { target, options, copy, remote } = await copyTo();
  const folder = join(target.directory, 'inputs');
  mkdirSync(folder);
  for (const name of ['a.txt', 'b.txt']) writeFileSync(join(folder, name), name);
  await copy('-r', folder, remote('/workspace'));
  const batch =
    'rename /workspace/inputs/a.txt /workspace/inputs/c.txt\nrm /workspace/inputs/b.txt\nls -1 /workspace/inputs\n';
  const shown = await end(
    'sftp',
    [...options, '-P', String(target.port), '-b', '-', 'root@127.0.0.1'],
    batch,
  );
  expect(shown).toMatch(/^\/workspace\/inputs\/c\.txt$/m);
  expect(shown).not.toMatch(/^\/workspace\/inputs\/[ab]\.txt$/m);
});

it('a file that is not there, and a folder that is missing, are refused at once', async () => {
  const { target, copy, remote } = await copyTo();
  await expect(copy(remote('/workspace/none.png'), target.directory)).rejects.toThrow(/No such file/i);
  const here = join(target.directory, 'x');
  writeFileSync(here, 'x');
  await expect(copy(here, remote('/nowhere/x'))).rejects.toThrow(/No such file/i);
});

it.each(['scp -t /workspace', 'rsync --server . /workspace'])(
  '%s, of which it has none, ends at once',
  async (command) => {
    const { target } = await reachable();
    expect(await runSsh(target, [], [command])).toMatchObject({
      code: 127,
      stderr: expect.stringContaining('not found'),
    });
  },
);
