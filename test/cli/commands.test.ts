import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildProgram } from '../../src/cli/program.ts';
import { inProcess, type Shown, steady } from '../support/shell.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

const cli = join(import.meta.dirname, '..', '..', 'dist', 'cli.js');
let world: TestWorld;
let podId = '';
const show = (argv: string[], isTerminal = false) => inProcess(world, argv, isTerminal);
const snapshotOf = ({ code, stdout, stderr }: Shown, [command]: readonly string[]) => {
  const shown = steady(`exit ${code}\n--- stdout\n${stdout}--- stderr\n${stderr}`, world, podId);
  // Pod and tunnel write the journal within the same millisecond, in either order.
  return command === 'history' ? shown.split('\n').toSorted().join('\n') : shown;
};

beforeAll(async () => {
  world = await startWorld();
  const run = await world.autopod([
    'up',
    '--local-port',
    'auto',
    '--volume-id',
    'abc123xyz',
    '--name',
    'art',
  ]);
  expect(run.code, run.stderr).toBe(0);
  [podId = ''] = await world.podIds();
});
afterAll(() => world.end());

/** Commands that show something and change nothing, while one pod is ready. */
const SHOWING: string[][] = [
  ['ls'],
  ['info'],
  ['tunnel'],
  ['tunnel', '--status'],
  ['tunnel', 'art', '--status'],
  ['tunnel', 'list'],
  ['comfy', 'status'],
  ['comfy', 'info'],
  ['comfy', 'open', '--no-browser'],
  ['gpus', 'A40'],
  ['gpus', '--volume-id', 'abc123xyz'],
  ['gpus', '--max-price', '0.01'],
  ['volumes'],
  ['history'],
  ['history', 'nobody'],
  ['config', 'show'],
  ['config', 'path'],
  ['ssh-config'],
  ['up', '--dry-run'],
  ['up', '--new', '--dry-run', '--local-port', 'auto'],
  ['help', 'states'],
  ['help', 'tunnels'],
  ['help', 'money'],
  ['help', 'files'],
  ['help', 'environment'],
  ['help', 'exit'],
];

describe.each(SHOWING.map((argv) => [argv.join(' '), argv] as const))('autopod %s', (_, argv) => {
  it('in a pipe', async () => {
    const shown = await show([...argv]);
    expect(snapshotOf(shown, argv)).toMatchSnapshot();
    expect(shown.stdout + shown.stderr).not.toContain('\u001b');
  });

  it('on a terminal', async () => {
    expect(snapshotOf(await show([...argv], true), argv)).toMatchSnapshot();
  });
});

describe('usage errors name the value and end 2', () => {
  it.each([
    [['gpus', '--max-price', 'cheap'], /--max-price.*cheap.*USD/s],
    [['gpus', '--min-memory', '0'], /whole number of at least 1/],
    [['logs', '--tail', '5001'], /whole number from 0 to 5000/],
    [['logs', '--since', 'yesterday'], /duration such as 10m.*RFC 3339/],
    [['help', 'config', 'nonsense'], /no command or topic “config nonsense”/],
    [['logs', '--system', '--container'], /exclude each other/],
    [['config', 'set', 'colour', 'red'], /no setting “colour”[\s\S]*default_volume_id/],
    [['config', 'set', 'gpu_count', 'two'], /“two” is not a whole number/],
    [['config', 'set', 'cloud_type', 'private'], /not one of SECURE, COMMUNITY, ALL/],
    [['config', 'set', 'default_volume_mount', 'models'], /not an absolute path/],
    [['config', 'set', 'api_key', 'rpa_SECRET'], /not taken from the command line/],
    [['help', 'constructor'], /no command or topic “constructor”/],
    [['completion', '__proto__'], /bash, zsh or fish, not “__proto__”/],
    [['tunnel', 'list', '--stop'], /list lists the tunnels, and takes no --stop/],
    [['tunnel', 'list', '--status'], /list lists the tunnels, and takes no --status/],
    [['config', 'set', 'gpu_preferences', ',,'], /“,,” names nothing/],
    [['completion', 'tcsh'], /bash, zsh or fish, not “tcsh”/],
    [['help', 'nonsense'], /no command or topic “nonsense”/],
    [['up', '--stop-after', 'soon'], /duration such as/],
    [['up', '--no-tunnel', '--idle-stop', '10m'], /Leave out --no-tunnel/],
    [['tunnel', '--stop', '--status'], /exclude each other/],
    [['tunnel', '--all', '--stop-after', '2h'], /--stop-after belongs to one tunnel/],
    [['tunnel', '--status', '--idle-stop', '2h'], /--idle-stop belongs to one tunnel/],
    [['tunnel', '--stop', '--local-port', '9000'], /--local-port belongs to one tunnel/],
    [['tunnel', 'art', '--all'], /--all means every pod/],
    [['up', 'art', '--new'], /--new makes another pod/],
    [['up', '--expose', '22'], /ssh is always there/],
    [['gpus', '--datacenter', 'XX'], /no data center XX/],
    [['gpus', '--volume-id', 'abc123xyz', '--datacenter', 'CA-MTL-1'], /is in US-GA-1/],
    [['ssh-config', '--install', '--uninstall'], /exclude each other/],
    [['tunnl'], /Did you mean tunnel/],
    [['up', '--gpuu', 'A40'], /Did you mean --gpu/],
  ])('%j', async (argv, words) => {
    const { code, stderr } = await show(argv);
    expect([code, stderr]).toEqual([2, expect.stringMatching(words)]);
    expect(stderr).not.toContain('rpa_SECRET');
  });
});

describe('help', () => {
  const paths = (command: ReturnType<typeof buildProgram>): string[][] => [
    [],
    ...command.commands
      .filter((one) => !one.name().startsWith('__'))
      .flatMap((one) => paths(one).map((rest) => [one.name(), ...rest])),
  ];
  const program = buildProgram({} as never, { stdout: {}, stderr: {} } as never, () => undefined);

  it.each(paths(program).map((path) => [path.join(' ') || '(none)', path] as const))(
    '%s',
    async (_, path) => {
      const { code, stdout } = await show([...path, '--help']);
      expect(code).toBe(0);
      expect(stdout).toMatchSnapshot();
      expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(120);
    },
  );
});

it('help names a command by all its words, and lists every alias', async () => {
  expect((await show(['help', 'config', 'set'])).stdout).toMatch(/^Usage: autopod config set/);
  expect((await show(['help', 'tunnel', 'list'])).stdout).toMatch(/^Usage: autopod tunnel/);
  expect((await show(['help', 'rm'])).stdout).toMatch(
    /^Usage: autopod kill\|terminate\|rm \[options\] \[pod\]/,
  );
  expect((await show(['--help'])).stdout).toMatch(/ls\|list\|ps[\s\S]*kill\|terminate\|rm/);
});

it('a usage error has the form of every failure', async () => {
  expect((await show(['up', '--gpuu', 'A40'])).stderr).toBe(
    "autopod: Unknown option '--gpuu'.\n  → Did you mean --gpu?\n",
  );
  expect((await show(['up', '--timeout'])).stderr).toMatch(
    /^autopod: Option .*\n {2}→ See `autopod up --help`/,
  );
});

it.each([
  [['serve', 'status', '--unit'], '--unit is an option of autopod serve, not of autopod serve status'],
  [['serve', '--unit', 'status'], '--unit is an option of autopod serve, not of autopod serve status'],
  [['jobs', 'show', '--all'], '--all is an option of autopod jobs, not of autopod jobs show'],
])('%j: an option of the command above is no option of the verb', async (argv, words) => {
  const { code, stderr } = await show(argv);
  expect([code, stderr]).toEqual([2, expect.stringContaining(words)]);
});

it('an AUTOPOD_API_URL that is none is a usage error', async () => {
  const env = { ...world.env, AUTOPOD_API_URL: 'foo' };
  const { code, stderr } = await inProcess({ env }, ['ls']);
  expect([code, stderr]).toEqual([2, expect.stringContaining('AUTOPOD_API_URL is “foo”')]);
});

describe('completion', () => {
  const suggest = async (...words: string[]) =>
    (await show(['__complete', '--', ...words])).stdout.split('\n');

  it('offers commands, then options, then values', async () => {
    expect(await suggest('tun')).toEqual([expect.stringMatching(/^tunnel\t/), '']);
    expect(await suggest('up', '--vol')).toEqual([
      expect.stringMatching(/^--volume-id\t/),
      expect.stringMatching(/^--volume-mount\t/),
      '',
    ]);
    expect(await suggest('up', '--cloud-type', '')).toEqual(['SECURE', 'COMMUNITY', 'ALL', '']);
  });

  it('offers pods by id and name, and GPUs by the names of the catalogue', async () => {
    expect(await suggest('stop', '')).toEqual([`${podId}\tart`, `art\t${podId}`, '']);
    await show(['gpus']);
    expect(await suggest('up', '--gpu', 'rtx a6')).toEqual(['RTX A6000', '']);
  });

  it('offers topics, shells and settings where they stand', async () => {
    expect(await suggest('help', 'mon')).toEqual(['money', '']);
    expect(await suggest('help', 'tunnel')).toEqual([expect.stringMatching(/^tunnel\t/), 'tunnels', '']);
    expect(await suggest('completion', '')).toEqual(['bash', 'zsh', 'fish', '']);
    expect(await suggest('config', 'set', 'default_v')).toEqual([
      'default_volume_id',
      'default_volume_mount',
      '',
    ]);
  });

  it('offers volumes and data centers as they were last seen, and what a setting may be', async () => {
    await show(['volumes']);
    await show(['gpus']);
    expect(await suggest('up', '--volume-id', 'abc')).toEqual([
      expect.stringMatching(/^abc123xyz\tcomfy-models, US-GA-1$/),
      '',
    ]);
    expect(await suggest('up', '--datacenter', 'us-g')).toContain('US-GA-1');
    expect(await suggest('config', 'set', 'cloud_type', 'c')).toEqual(['COMMUNITY', '']);
    expect(await suggest('config', 'set', 'require_proof', '')).toEqual(['true', 'false', '']);
    expect(await suggest('config', 'set', 'default_volume_id', '')).toContainEqual(
      expect.stringMatching(/^abc123xyz\t/),
    );
    expect(await suggest('config', 'set', 'default_datacenter', 'US-G')).toContain('US-GA-1');
  });

  it.each(['bash', 'zsh', 'fish'])('prints a script for %s', async (shell) => {
    const { code, stdout } = await show(['completion', shell]);
    expect(code).toBe(0);
    expect(stdout).toContain('autopod __complete');
  });
});

describe('gpus', () => {
  it('a volume nobody has is refused with those there are', async () => {
    const { code, stderr } = await show(['gpus', '--volume-id', 'nope']);
    expect([code, stderr]).toEqual([2, expect.stringContaining('abc123xyz')]);
    expect(stderr).not.toContain('has no network volumes');
  });

  it('on 80 columns the memory is told', async () => {
    const { stdout } = await show(['gpus'], true);
    expect(stdout).toMatch(/MEMORY/);
    expect(stdout).toMatch(/A40 +48 GB/);
  });

  it('a data center is taken in small letters', async () => {
    const { code, stdout } = await show(['gpus', '--datacenter', 'us-ga-1', '--json']);
    expect([code, JSON.parse(stdout).dataCenterId]).toEqual([0, 'US-GA-1']);
  });
});

it('up --dry-run --expose says what the port being public means', async () => {
  const { code, stderr } = await show([
    'up',
    '--new',
    '--dry-run',
    '--local-port',
    'auto',
    '--expose',
    '8188',
  ]);
  expect([code, stderr]).toEqual([0, expect.stringMatching(/public on the internet[\s\S]*no password/)]);
});

it('tunnel --status of a pod without one does not say that there is none at all', async () => {
  const { code, stdout, stderr } = await show(['tunnel', 'nobody', '--status']);
  expect([code, stdout, stderr]).toEqual([1, '', 'There is no tunnel to pod nobody.\n']);
});

it('an API key that cannot be one is not taken for a network that is down', async () => {
  const odd = await inProcess({ env: { ...world.env, RUNPOD_API_KEY: 'sim-ключ' } }, ['ls']);
  expect([odd.code, odd.stderr]).toEqual([1, expect.stringContaining('The API key cannot be right')]);
  const padded = await inProcess({ env: { ...world.env, RUNPOD_API_KEY: ' sim-key\n' } }, ['ls']);
  expect(padded.code).toBe(0);
});

it.runIf(existsSync('/dev/full')).each(['completion zsh', 'help money', 'config path', 'tunnel list --json'])(
  '%s that cannot write its answer fails, without a stack trace',
  (words) => {
    const full = openSync('/dev/full', 'w');
    const { status, stderr } = spawnSync(process.execPath, [cli, ...words.split(' ')], {
      env: world.env,
      stdio: ['ignore', full, 'pipe'],
      encoding: 'utf8',
    });
    closeSync(full);
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(/^autopod: The output could not be .*ENOSPC.*\n$/),
    ]);
  },
);
