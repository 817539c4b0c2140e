import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { podsReady, startJobsWorld } from '../support/jobs.ts';
import { until } from '../support/until.ts';
import { INVERTED, sleeping, workflowFile } from '../support/workflows.ts';
import type { TestWorld } from '../support/world.ts';

let folder = '';
let world: TestWorld;
let art = '';
let spare = '';
const file = (name: string, workflow: object) => workflowFile(folder, name, workflow);
const out = (name: string) => join(folder, name);
const lines = (text: string) => text.split('\n').filter(Boolean);
const run = (...argv: string[]) => world.autopod(['run', ...argv]);
const statuses = async () =>
  Object.fromEntries((await world.pods()).map(({ id, status }) => [id, String(status)]));
const control = (podId: string, action: string, body: object = {}) =>
  fetch(`${world.simulator.controlUrl}/pods/${podId}/${action}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

/** Files of the size asked for, each with its own seed. */
const making = (bytes: number, count = 1, more: object = {}) => ({
  '9': {
    class_type: 'SimOutput',
    inputs: { bytes, count, seconds: 0.1, ext: 'png', filename_prefix: 'made', seed: 7, ...more },
    _meta: { title: 'Make' },
  },
});

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ap-run-pods-'));
  world = await startJobsWorld();
  const first = await world.autopod(['up', '--local-port', 'auto', '--name', 'art']);
  expect(first.code, first.stderr).toBe(0);
  [art = ''] = await world.podIds();
  await podsReady(world, 1);
  spare = (await world.podIds()).find((id) => id !== art) ?? '';
}, 60_000);
afterAll(async () => {
  await world.end();
  rmSync(folder, { recursive: true, force: true });
});

describe('run over pods that are named', () => {
  it('a pod that is not there is told before anything is kept, though another one is', async () => {
    const { code, stderr } = await run(file('a.json', making(900)), '--pods', 'art,nobody');
    expect([code, stderr]).toEqual([1, expect.stringContaining('There is no pod nobody')]);
    expect(JSON.parse((await world.autopod(['jobs', '--json'])).stdout).jobs).toEqual([]);
  });

  it('each takes its share, and one that is named twice is one', async () => {
    const { code, stdout, stderr } = await run(
      file('shared.json', sleeping(0.4)),
      ...['--pods', `art,${spare},${art}`, '--count', '6', '--json', '--out', out('shared')],
    );
    expect(code, stderr).toBe(0);
    const shown = JSON.parse(stdout);
    expect(shown).toMatchObject({ done: 6, files: 6, podIds: [art, spare] });
    const shares = shown.pods.map(({ jobs }: { jobs: number }) => jobs);
    expect(Math.min(...shares)).toBeGreaterThan(1);
    expect(readdirSync(out('shared')).filter((name) => name.endsWith('.png'))).toHaveLength(6);
  });

  it('--previews brings what is made for looking at only, and without it that stays where it is', async () => {
    const peeking = {
      ...making(900),
      '1': { class_type: 'EmptyImage', inputs: { width: 16, height: 16, batch_size: 2, color: 0 } },
      '2': { class_type: 'PreviewImage', inputs: { images: ['1', 0] } },
    };
    const path = file('peek.json', peeking);
    const without = await run(path, 'art', '--out', out('without'));
    expect([without.code, lines(without.stdout).length]).toEqual([0, 1]);
    const all = await run(
      path,
      'art',
      '--set',
      '1.color=5',
      '--seed',
      '8',
      '--previews',
      '--out',
      out('all'),
    );
    expect(all.code, all.stderr).toBe(0);
    expect(lines(all.stdout).filter((path) => existsSync(path))).toHaveLength(3);
  });

  it('--max-cost ends a batch with what was made, says why the rest was not run, and retry runs that', async () => {
    const capped = await run(
      file('capped.json', sleeping(0.3)),
      ...['art', '--count', '8', '--max-cost', '0.00004', '--out', out('capped')],
    );
    expect(capped.code).toBe(1);
    const made = lines(capped.stdout).length;
    expect(made).toBeGreaterThan(0);
    // One that is over it was at work when it was reached.
    expect(made).toBeLessThan(4);
    expect(capped.stderr).toContain('It was not run: its batch has cost');
    expect(capped.stderr.match(/It was not run/g)).toHaveLength(1);
    const [, batchId = ''] = /Batch (\w{6}) of 8/.exec(capped.stderr) ?? [];
    const again = await world.autopod(['jobs', 'retry', batchId, 'art', '--json']);
    const shown = JSON.parse(again.stdout);
    expect(shown.podIds).toEqual([art]);
    expect(shown.count).toBe(8 - made);
  });

  it('what a job is retried on has to be there', async () => {
    const { jobs } = JSON.parse((await world.autopod(['jobs', '--json'])).stdout);
    const { code, stderr } = await world.autopod(['jobs', 'retry', jobs[0].jobId, 'nobody']);
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/There is no pod nobody.*\n.*jobs retry JOB POD/),
    ]);
  });

  it('an output that ComfyUI drops is told: by run, which ends with 1, in the record and by jobs show', async () => {
    const half = {
      ...making(900),
      '10': {
        class_type: 'SimOutput',
        inputs: { bytes: 900, count: 1, seconds: 0, ext: 'png', filename_prefix: 'never', invalid: true },
        _meta: { title: 'Dropped' },
      },
    };
    const { code, stdout, stderr } = await run(file('half.json', half), 'art', '--out', out('half'));
    expect(code).toBe(1);
    const [path = '', ...others] = lines(stdout);
    expect(others).toEqual([]);
    expect(stderr).toMatch(/ran it without some.*\n.*node 10 “Dropped”: Custom validation failed/);
    const { state, notMade } = JSON.parse((await world.autopod(['jobs', 'show', path, '--json'])).stdout);
    expect([state, notMade]).toEqual(['done', [expect.stringContaining('“Dropped”')]]);
    expect((await world.autopod(['jobs', 'show', path])).stdout).toMatch(/Not made: +node 10 “Dropped”/);
  });

  it('a file that was copied elsewhere tells its job, and so does the sidecar', async () => {
    const { stdout } = await run(file('one.json', making(1_200)), 'art', '--seed', '77', '--out', out('one'));
    const [path = ''] = lines(stdout);
    const copy = join(folder, 'copy.png');
    copyFileSync(path, copy);
    const idOf = async (name: string) =>
      JSON.parse((await world.autopod(['jobs', 'show', name, '--json'])).stdout).jobId;
    expect(path).toContain(await idOf(copy));
    expect(path).toContain(await idOf(`${path}.json`));
  });

  it('a ComfyUI that starts anew is told of, and the job that it has forgotten is made once', async () => {
    const { child, ended } = world.start([
      ...['run', file('again.json', sleeping(2)), 'art', '--seed', '91', '--out', out('again')],
    ]);
    let seen = '';
    child.stderr?.on('data', (chunk) => {
      seen += chunk;
    });
    await until('it runs', () => seen.includes('Running'), 60_000);
    await control(art, 'comfy', { restart: true });
    const { code, stdout, stderr } = await ended;
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('its ComfyUI does not know of it any more; it is submitted again');
    expect(lines(stdout)).toHaveLength(1);
    expect((await world.autopod(['jobs', 'show', lines(stdout)[0] ?? ''])).stdout).toMatch(
      /Submitted: 2 times/,
    );
  });

  it('a pod that stops meanwhile is told with the command that starts it, and the job is made then', async () => {
    const { child, ended } = world.start([
      ...['run', file('stopped.json', sleeping(4)), 'art', '--seed', '92', '--out', out('stopped')],
    ]);
    let seen = '';
    child.stderr?.on('data', (chunk) => {
      seen += chunk;
    });
    await until('it runs', () => seen.includes('Running'), 60_000);
    await control(art, 'exit');
    await until('that is told', () => seen.includes(`autopod start ${art}`), 60_000);
    expect((await world.autopod(['start', 'art'])).code).toBe(0);
    const { code, stdout, stderr } = await ended;
    expect(code, stderr).toBe(0);
    expect(lines(stdout)).toHaveLength(1);
  });

  it('--then stop stops the pod that is named by its name, and says so when RunPod shows it', async () => {
    const { code, stderr } = await run(
      file('then.json', making(900)),
      'art',
      '--then',
      'stop',
      '--out',
      out('then'),
    );
    expect(code, stderr).toBe(0);
    expect(stderr).toContain(`Stopped pod ${art}: no GPU is paid for any more.`);
    expect(await statuses()).toEqual({ [art]: 'EXITED', [spare]: 'RUNNING' });
  });

  it('without a name the only pod that runs is used, though another one is stopped', async () => {
    const { code, stdout, stderr } = await run(
      file('only.json', making(900)),
      '--json',
      '--out',
      out('only'),
    );
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout).podIds).toEqual([spare]);
  });

  it('--then stop with --detach stops every pod that is named, too', async () => {
    const { code, stderr } = await run(
      file('then2.json', making(900)),
      ...['--pods', spare, '--detach', '--then', 'stop', '--out', out('then2')],
    );
    expect(code, stderr).toBe(0);
    await until('it is stopped', async () => (await statuses())[spare] === 'EXITED');
  });
});

describe('a pod that was rented for a run', () => {
  // The server tells that it lacks cat.png, and this machine has none.
  const lacking = INVERTED;

  it('is ended with --then kill also where the workflow turns out not to run there', async () => {
    const { code, stderr } = await run(
      file('lacking.json', lacking),
      ...['--up', '--new', '--local-port', 'auto', '--then', 'kill', '--yes'],
    );
    expect([code, stderr]).toEqual([1, expect.stringContaining('cat.png')]);
    expect(stderr).toMatch(/Ended pod \w+: no GPU is paid for any more/);
    expect((await world.podIds()).toSorted()).toEqual([art, spare].toSorted());
  });

  it('is told to cost where it is to be kept', async () => {
    const { code, stderr } = await run(
      file('lacking.json', lacking),
      ...['--up', '--new', '--local-port', 'auto', '--yes'],
    );
    const [rented = ''] = (await world.podIds()).filter((id) => id !== art && id !== spare);
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining(`Pod ${rented} was rented for this and costs`),
    ]);
    expect((await world.autopod(['kill', rented, '-y'])).code).toBe(0);
  });
});
