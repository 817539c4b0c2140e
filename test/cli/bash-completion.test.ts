import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

const cli = join(import.meta.dirname, '..', '..', 'dist', 'cli.js');
let folder = '';
let env: NodeJS.ProcessEnv = {};

/** An `autopod` that completes as the real one does, and else prints the words it was given. */
const STAND_IN = `#!/bin/sh
[ "$1" = __complete ] && exec "${process.execPath}" "${cli}" "$@"
printf 'GIVEN'; printf '<%s>' "$@"; echo
`;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ap-bash-'));
  writeFileSync(join(folder, 'autopod'), STAND_IN);
  chmodSync(join(folder, 'autopod'), 0o755);
  writeFileSync(join(folder, 'rc'), execFileSync(process.execPath, [cli, 'completion', 'bash']));
  env = {
    PATH: `${folder}:${process.env.PATH}`,
    HOME: folder,
    AUTOPOD_HOME: join(folder, 'home'),
    TERM: 'dumb',
  };
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The words a command gets when these keys are pressed in a bash on a terminal of its own. */
async function given(keys: string): Promise<string | undefined> {
  const bash = spawn('script', ['-qefc', `bash --noprofile --rcfile ${join(folder, 'rc')} -i`, '/dev/null'], {
    env: { ...env, SHELL: '/bin/sh' },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  let screen = '';
  bash.stdout.setEncoding('utf8').on('data', (text: string) => {
    screen += text;
  });
  await expect.poll(() => screen, { timeout: 10_000 }).toMatch(/[$#] $/);
  bash.stdin.write(`${keys}\n`);
  await expect.poll(() => screen, { timeout: 10_000 }).toMatch(/GIVEN.*\r?\n/);
  bash.stdin.write('exit\n');
  await once(bash, 'close');
  return /GIVEN(\S.*?)\r?\n/.exec(screen)?.[1];
}

it.runIf(hasScript()).each([
  ['autopod tunn\t', '<tunnel>'],
  ['autopod up --gpu RTX\\ 4\t', '<up><--gpu><RTX 4090>'],
  ['autopod up --gpu "RTX 4\t', '<up><--gpu><RTX 4090>'],
  ["autopod up --gpu 'RTX 4\t", '<up><--gpu><RTX 4090>'],
  ['autopod up --gpu "RTX 4090" --cloud-type SEC\t', '<up><--gpu><RTX 4090><--cloud-type><SECURE>'],
  ['autopod config set default_volume_m\t /data', '<config><set><default_volume_mount></data>'],
])('in bash, %j gives %s', async (keys, words) => {
  expect(await given(keys)).toBe(words);
});

function hasScript(): boolean {
  try {
    execFileSync('script', ['--version'], { stdio: 'ignore' });
    execFileSync('bash', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
