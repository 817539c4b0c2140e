import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { autoStopWords } from '../../src/cli/text/planned-stop.ts';
import { inProcess } from '../support/shell.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
let podId = '';
const show = (...argv: string[]) => inProcess(world, argv);
beforeAll(async () => {
  world = await startWorld();
  const run = await world.autopod(['up', '--local-port', 'auto']);
  expect(run.code, run.stderr).toBe(0);
  [podId = ''] = await world.podIds();
});
afterAll(() => world.end());

it('info has the ssh command to paste, on a line of its own', async () => {
  const { stdout } = await inProcess(world, ['info'], true);
  expect(stdout).toMatch(/^ssh -p \d+ -i \S+id_test root@127\.0\.0\.1$/m);
});

it('a planned stop is told when it is planned, by info and by ls, with its day when that is not today', async () => {
  const planned = await show('tunnel', '--stop-after', '30h');
  expect(planned.stderr).toMatch(/will be stopped at .* on \d{4}-\d\d-\d\d, never while a job runs/);
  expect(planned.stderr).toContain(
    'guard armed in the pod. The guard in the pod sees to that even while this machine is off.',
  );
  expect((await show('info')).stdout).toMatch(/Stops: +at .* on \d{4}-\d\d-\d\d/);
  expect((await show('ls')).stderr).toMatch(new RegExp(`${podId} will be stopped at`));
  await show('tunnel', '--stop-after', 'never');
  expect((await show('info')).stdout).not.toContain('Stops:');
});

it('a stop of today has no date', () => {
  const now = new Date(2026, 10, 23, 14, 0);
  const stopAt = new Date(2026, 10, 23, 16, 5).toISOString();
  expect(autoStopWords({ stopAt, idleMs: null }, now)).not.toContain('2026');
});

describe('with several pods', () => {
  beforeAll(async () => {
    const run = await world.autopod(['up', '--new', '--no-tunnel']);
    expect(run.code, run.stderr).toBe(0);
  });

  it('pods of the same minute have names of their own', async () => {
    const names = (await world.pods()).map(({ name }) => name);
    expect(names).toHaveLength(2);
    expect(new Set(names).size).toBe(2);
  });

  it.each([[['info']], [['stop']], [['tunnel']], [['up']]])(
    '%j shows what tells them apart, and asks for one',
    async (argv) => {
      const { code, stdout, stderr } = await show(...argv);
      expect([code, stdout]).toEqual([1, '']);
      for (const { id, name } of await world.pods()) {
        expect(stderr).toMatch(new RegExp(`^${id} +${name} +RUNNING +1x .*\\$0\\.\\d\\d/h$`, 'm'));
      }
      expect(stderr).toContain('Name the one you mean');
    },
  );

  it('with --json it is one value that names them', async () => {
    const { stdout, stderr } = await show('info', '--json');
    expect([JSON.parse(stdout).error.detail.pods.length, stderr]).toEqual([2, '']);
  });
});

it('a pod that was stopped behind the back of its record is told as stopped', async () => {
  await fetch(`${world.simulator.controlUrl}/pods/${podId}/exit`, { method: 'POST' });
  expect((await show('info', podId)).stdout).toMatch(/Status: +EXITED, stopped/);
  expect((await show('ls')).stdout).toMatch(/EXITED \(stopped\)/);
});

describe('a home that cannot be', () => {
  it('is told as what it is, and not as a bug', async () => {
    const file = join(world.home, 'a-file');
    writeFileSync(file, '', { mode: 0o600 });
    const env = { ...world.env, AUTOPOD_HOME: file };
    const { code, stderr } = await inProcess({ env }, ['ls']);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/a-file cannot be read\.\n +It is no folder/)]);
    const doctor = await inProcess({ env }, ['doctor']);
    expect(doctor.stdout.match(/BAD/g)).toHaveLength(1);
  });

  it('under /proc ends, too', async () => {
    const { code, stderr } = await world.autopod(['ls'], { AUTOPOD_HOME: '/proc/x' });
    expect([code, stderr]).toEqual([1, expect.stringContaining('No folder can be made there')]);
  });
});

describe('doctor', () => {
  const check = async (name: string) => {
    const { checks } = JSON.parse((await show('doctor', '--json')).stdout);
    return checks.find((one: { name: string }) => one.name === name);
  };

  it('sees a file of the home that others can read, whatever it is called', async () => {
    const path = join(world.home, 'locks', 'loose');
    writeFileSync(path, '');
    chmodSync(path, 0o644);
    chmodSync(join(world.home, 'config.json'), 0o600);
    expect(await check('Home folder')).toMatchObject({ verdict: 'bad', fix: `chmod go-rwx ${path}` });
    chmodSync(path, 0o600);
  });

  it('says what of the API key cannot be checked', async () => {
    expect((await check('API key')).found).toContain('cannot be checked without doing so');
  });

  it('finds a cloud_type in config.json that is none', async () => {
    const path = join(world.home, 'config.json');
    const config = {
      providers: { runpod: { cloud_type: 'PRIVATE', ssh_key_path: join(world.home, 'id_test') } },
    };
    writeFileSync(path, JSON.stringify(config), { mode: 0o600 });
    expect(await check('Settings')).toMatchObject({
      verdict: 'bad',
      found: expect.stringContaining('PRIVATE'),
    });
  });
});
