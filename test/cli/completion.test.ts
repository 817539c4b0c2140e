import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const cli = join(import.meta.dirname, '..', '..', 'dist', 'cli.js');
let folder = '';
let env: NodeJS.ProcessEnv = {};

/** An `autopod` that completes as the real one does, and else prints the words it was given. */
const STAND_IN = `#!/bin/sh
[ "$1" = __complete ] && exec "${process.execPath}" "${cli}" "$@"
printf 'GIVEN'; printf '<%s>' "$@"; echo
`;

/** Where each shell finds the script, and how it is started with nothing else of the user's. */
const SHELLS = {
  bash: { reads: '.bashrc', command: 'bash --noprofile -i' },
  zsh: { reads: '.zshrc', command: 'zsh -d -i' },
  fish: { reads: '.config/fish/completions/autopod.fish', command: 'fish -i' },
};
type Shell = keyof typeof SHELLS;
const shells = Object.keys(SHELLS) as Shell[];
const isThere = (program: string) =>
  spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;

const POD = 'q7w8e9r0t1y2u3';
const OTHER_POD = 'z1x2c3v4b5n6m7';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ap-comp-'));
  const put = (name: string, content: string | Buffer) => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  };
  put('autopod', STAND_IN);
  chmodSync(join(folder, 'autopod'), 0o755);
  for (const shell of shells) {
    put(SHELLS[shell].reads, execFileSync(process.execPath, [cli, 'completion', shell]));
  }
  const saved = (podId: string, name: string) => ({ facts: { podId, wish: { name } } });
  const records = { a: saved(POD, 'my pod: (big)'), b: saved(OTHER_POD, 'two\nlines\tlong') };
  // Without this folder fish fills it from the manual pages, behind the test's back.
  mkdirSync(join(folder, '.local/share/fish/generated_completions'), { recursive: true });
  put('home/pods.json', JSON.stringify({ records }));
  env = {
    PATH: `${folder}:${process.env.PATH}`,
    HOME: folder,
    AUTOPOD_HOME: join(folder, 'home'),
    TERM: 'dumb',
    LANG: 'C.UTF-8',
    PS1: '$ ',
    SHELL: '/bin/sh',
  };
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The words a command gets when these keys are pressed in a shell on a terminal of its own. */
async function given(shell: Shell, keys: string): Promise<string | undefined> {
  const child = spawn('script', ['-qefc', SHELLS[shell].command, '/dev/null'], {
    env,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  let screen = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    screen += text;
  });
  const shows = (words: RegExp) => expect.poll(() => screen, { timeout: 60_000 }).toMatch(words);
  await shows(/[$#>] [^\n]*$/);
  child.stdin.write(`${keys}\n`);
  await shows(/GIVEN<.*>\r?\n/);
  child.stdin.write('exit\n');
  await once(child, 'close');
  return /GIVEN(<.*>)\r?\n/.exec(screen)?.[1];
}

describe.each(shells)('%s', (shell) => {
  const missing = ['script', shell].filter((program) => !isThere(program));

  it.for([
    ['autopod tunn\t', '<tunnel>'],
    ['autopod up --cloud\tSEC\t', '<up><--cloud-type><SECURE>'],
    ['autopod up --gpu RTX\\ 4\t', '<up><--gpu><RTX 4090>'],
    ['autopod up --gpu "RTX 4\t', '<up><--gpu><RTX 4090>'],
    ["autopod up --gpu 'RTX 4\t", '<up><--gpu><RTX 4090>'],
    ['autopod up --gpu a40\t', '<up><--gpu><A40>'],
    ['autopod up --gpu=L\t', '<up><--gpu=L40S>'],
    ['autopod up --gpu "RTX 4090" --cloud-type SEC\t', '<up><--gpu><RTX 4090><--cloud-type><SECURE>'],
    ['autopod config set default_volume_m\t /data', '<config><set><default_volume_mount></data>'],
    ['autopod info q7\t', `<info><${POD}>`],
    ['autopod info my\t', '<info><my pod: (big)>'],
    ['autopod info my\\ p\t', '<info><my pod: (big)>'],
  ] as const)('%j', async ([keys, words], { skip }) => {
    skip(missing.length > 0, `not installed: ${missing.join(', ')}`);
    expect(await given(shell, keys)).toBe(words);
  });
});

it('zsh takes the script as _autopod on fpath, too', async ({ skip }) => {
  skip(!isThere('zsh') || !isThere('script'), 'not installed: zsh or script');
  writeFileSync(join(folder, '_autopod'), execFileSync(process.execPath, [cli, 'completion', 'zsh']));
  writeFileSync(
    join(folder, '.zshrc'),
    `fpath=(${folder} $fpath)\nautoload -Uz compinit && compinit -u -D\n`,
  );
  expect(await given('zsh', 'autopod up --gpu RTX\\ 4\t')).toBe('<up><--gpu><RTX 4090>');
});

describe('what is suggested', () => {
  const suggested = (...words: string[]) =>
    execFileSync(process.execPath, [cli, '__complete', '--', ...words], { env, encoding: 'utf8' })
      .split('\n')
      .slice(0, -1);

  it('pods by id and by name, each once; a name that does not fit on a line only tells of its id', () => {
    expect(suggested('stop', '')).toEqual([
      `${POD}\tmy pod: (big)`,
      `my pod: (big)\t${POD}`,
      `${OTHER_POD}\ttwo lines long`,
    ]);
  });

  it.each([[['stop', POD, '']], [['up', '--timeout', '']], [['completion', 'zsh', '']]])(
    'nothing after %j',
    (words) => {
      expect(suggested(...words)).toEqual([]);
    },
  );

  it("an option's value is no command", () => {
    expect(suggested('up', '--name', 'tunnel', '--cloud')).toEqual([
      '--cloud-type\tSECURE, COMMUNITY or ALL',
    ]);
  });

  it('GPUs where one asks what there is', () => {
    expect(suggested('gpus', 'l')).toEqual(['L40S']);
  });
});
