import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encode } from 'fast-png';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/until.ts';
import { EMPTY_IMAGE, INVERTED, sleeping, workflowFile } from '../support/workflows.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

const QUICK = { jobMs: 0 };
let folder = '';
const file = (name: string, workflow: object) => workflowFile(folder, name, workflow);
const out = (name: string) => join(folder, name);
const lines = (text: string) => text.split('\n').filter(Boolean);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ap-run-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('from nothing', () => {
  let world: TestWorld;
  beforeAll(async () => {
    world = await startWorld({ comfyui: QUICK });
  });
  afterAll(() => world.end());

  it('without --up a pod that is not there is told with the command that makes one, and nothing is rented', async () => {
    const { code, stderr } = await world.autopod(['run', file('a.json', EMPTY_IMAGE)]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/There are no pods.*\n.*`autopod up`.*--up/);
    expect(await world.podIds()).toEqual([]);
  });

  it('what is wrong with the command line rents nothing, though --up is there', async () => {
    const { code, stderr } = await world.autopod([
      'run',
      file('a.json', EMPTY_IMAGE),
      '--up',
      '--set',
      'Nobody.width=3',
    ]);
    expect([code, stderr]).toEqual([2, expect.stringContaining('no node “Nobody”')]);
    expect(await world.podIds()).toEqual([]);
  });

  it('one command leads to a picture, and nothing costs afterwards', async () => {
    const { code, stdout, stderr } = await world.autopod([
      ...['run', file('a.json', EMPTY_IMAGE), '--up', '--local-port', 'auto'],
      ...['--then', 'kill', '--out', out('first')],
    ]);
    expect(code, stderr).toBe(0);
    const [path = '', ...others] = lines(stdout);
    expect(others).toEqual([]);
    expect(path.startsWith(out('first'))).toBe(true);
    expect(readFileSync(path).subarray(1, 4).toString()).toBe('PNG');
    expect(stderr).toMatch(/Ended pod \w+: no GPU is paid for any more/);
    expect(await world.podIds()).toEqual([]);
    expect(JSON.parse((await world.autopod(['ls', '--json'])).stdout).totalPerHour).toBe(0);
  });

  it('--pods rents what is missing after telling the whole price, and ends each when nothing is left for it', async () => {
    const path = file('sleep.json', sleeping(0.2));
    const refused = await world.autopod(['run', path, '--pods', '2']);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/2 pods to rent.*\$0\.40\/h/)]);
    expect(refused.stderr).toContain('--yes');
    expect(await world.podIds()).toEqual([]);
    const run = await world.autopod([
      ...[
        'run',
        path,
        '--pods',
        '2',
        '--yes',
        '--count',
        '6',
        '--then',
        'kill',
        '--json',
        '--out',
        out('many'),
      ],
    ]);
    expect(run.code, run.stderr + run.stdout).toBe(0);
    const shown = JSON.parse(run.stdout);
    expect(shown).toMatchObject({ count: 6, done: 6, failed: 0, files: 6 });
    expect(shown.pods).toHaveLength(2);
    expect(new Set(shown.jobs.map((job: { seeds: object }) => JSON.stringify(job.seeds))).size).toBe(6);
    expect(await world.podIds()).toEqual([]);
  });
});

describe('on a pod that is ready', () => {
  let world: TestWorld;
  let podId = '';
  beforeAll(async () => {
    world = await startWorld({ comfyui: QUICK });
    const up = await world.autopod(['up', '--local-port', 'auto', '--name', 'art']);
    expect(up.code, up.stderr).toBe(0);
    [podId = ''] = await world.podIds();
  });
  afterAll(() => world.end());
  const run = (...argv: string[]) => world.autopod(['run', ...argv]);

  it('each phase is a line on stderr where it is no terminal, and the end tells seconds, files and dollars', async () => {
    const { code, stdout, stderr } = await run(file('sleep.json', sleeping(0.5)), '--out', out('phases'));
    expect(code, stderr).toBe(0);
    expect(lines(stdout)).toHaveLength(1);
    expect(stderr).toMatch(/ {2}Running\n/);
    expect(stderr).toMatch(/Done in \d+s: 1 file, \$0\.\d{4}\.\n$/);
  });

  it('--json is one value with the job, its seed, its file and what it cost', async () => {
    const { stdout } = await run(
      file('sleep.json', sleeping(0.1)),
      '--seed',
      '9007199254740991',
      '--json',
      '--out',
      out('json'),
    );
    const { jobs, ...batch } = JSON.parse(stdout);
    expect(batch).toMatchObject({ name: 'sleep', count: 1, done: 1, podIds: [podId] });
    expect(jobs).toMatchObject([
      { jobId: batch.batchId, state: 'done', podId, seeds: { '1.seed': '9007199254740991' } },
    ]);
    expect(jobs[0].usd).toBeGreaterThan(0);
    expect(existsSync(jobs[0].files[0].path)).toBe(true);
  });

  it('--json-stream has a line for each change of state, and the value last', async () => {
    const { stdout } = await run(file('sleep.json', sleeping(0.3)), '--json-stream', '--out', out('stream'));
    const values = lines(stdout).map((line) => JSON.parse(line));
    const states = values.slice(0, -1).map(({ state }) => state);
    expect(states).toEqual(expect.arrayContaining(['running', 'done']));
    expect(values.at(-1)).toMatchObject({ done: 1 });
  });

  it('a file of this machine is uploaded by its content and used', async () => {
    const data = new Uint8Array(4 * 4 * 3).fill(9);
    const cat = join(folder, 'my cat.png');
    writeFileSync(cat, encode({ width: 4, height: 4, data, channels: 3 }));
    const argv = [file('load.json', INVERTED), '--input', `Load.image=${cat}`, '--out', out('inverted')];
    const { code, stdout, stderr } = await run(...argv);
    expect(code, stderr).toBe(0);
    expect(lines(stdout)).toHaveLength(1);
    const inputs = world.simulator.world.pod(podId).comfyui.storage.list('input');
    expect(inputs.filter((name: string) => name.includes('autopod-'))).toHaveLength(1);
    expect((await run(...argv)).code).toBe(0);
    expect(world.simulator.world.pod(podId).comfyui.storage.list('input')).toEqual(inputs);
  });

  it("a workflow that fails on the pod is told with node, title and ComfyUI's own message; exit 1", async () => {
    const failing = {
      '1': {
        class_type: 'SimFail',
        inputs: { message: 'the fox ran away', oom: false, seconds: 0 },
        _meta: { title: 'Chase' },
      },
    };
    const { code, stderr } = await run(file('fail.json', failing), '--out', out('failed'));
    expect(code).toBe(1);
    expect(stderr).toMatch(/node 1 “Chase”: the fox ran away/);
  });

  it('the GPU being out of memory is named as such', async () => {
    const failing = {
      '1': { class_type: 'SimFail', inputs: { message: '', oom: true, seconds: 0 }, _meta: { title: 'Big' } },
    };
    const { code, stderr } = await run(file('oom.json', failing));
    expect([code, stderr]).toEqual([1, expect.stringMatching(/GPU's memory was not enough.*“Big”/)]);
  });

  it('several jobs: a line for each, a table at the end, and the last sweep changes fastest', async () => {
    const { code, stdout, stderr } = await run(
      ...[
        file('a.json', EMPTY_IMAGE),
        '--sweep',
        '1.width=16,32',
        '--sweep',
        '1.color=1..3',
        '--out',
        out('swept'),
      ],
    );
    expect(code, stderr).toBe(0);
    expect(lines(stdout)).toHaveLength(6);
    expect(stderr).toMatch(/6 of 6: \w{6} \(a\) done/);
    expect(stderr).toMatch(/^POD +GPU +JOBS +FILES +SECONDS +COST/m);
    expect(stderr).toMatch(/6 jobs done: 6 files, \$0\.\d{4}\.\n$/);
  });

  it('--on-error stop begins nothing more after a failure; go-on does', async () => {
    const rows = join(folder, 'rows.jsonl');
    writeFileSync(rows, '{"1.oom": true}\n{"1.oom": false}\n{"1.oom": false}\n{"1.oom": false}\n');
    const failing = {
      '1': {
        class_type: 'SimFail',
        inputs: { message: 'x', oom: false, seconds: 0.2 },
        _meta: { title: 'F' },
      },
    };
    const path = file('rows.json', failing);
    const counts = async (onError: string) => {
      const { code, stdout } = await run(path, '--rows', rows, '--on-error', onError, '--json');
      expect(code).toBe(1);
      const { done, failed, cancelled } = JSON.parse(stdout);
      return { done, failed, cancelled };
    };
    expect(await counts('go-on')).toEqual({ done: 0, failed: 4, cancelled: 0 });
    expect((await counts('stop')).cancelled).toBeGreaterThan(0);
  });

  it('--detach returns at once; jobs wait follows, jobs show knows the job by its file', async () => {
    const detached = await run(file('sleep.json', sleeping(1)), '--detach', '--out', out('detached'));
    expect(detached.code, detached.stderr).toBe(0);
    const id = detached.stdout.trim();
    expect(id).toMatch(/^[a-z0-9]{6}$/);
    expect(JSON.parse((await world.autopod(['jobs', 'show', id, '--json'])).stdout)).toMatchObject({
      jobId: id,
    });
    const waited = await world.autopod(['jobs', 'wait', id.slice(0, 5)]);
    expect(waited.code, waited.stderr).toBe(0);
    const [path = ''] = lines(waited.stdout);
    expect(existsSync(path)).toBe(true);
    const shown = await world.autopod(['jobs', 'show', path, '--json']);
    expect(JSON.parse(shown.stdout)).toMatchObject({ jobId: id, state: 'done' });
    const listed = await world.autopod(['jobs']);
    expect(listed.stdout).toMatch(new RegExp(`^${id} +sleep +done`, 'm'));
  });

  it('jobs cancel takes back what waits and what runs, and nothing else', async () => {
    const long = file('long.json', sleeping(60, 600));
    const [first, second] = [
      (await run(long, '--detach')).stdout.trim(),
      (await run(long, '--seed', '8', '--detach')).stdout.trim(),
    ];
    const stateOf = async (id: string) =>
      JSON.parse((await world.autopod(['jobs', 'show', id, '--json'])).stdout).state;
    await until('the first runs', async () => (await stateOf(first ?? '')) === 'running');
    const refused = await world.autopod(['jobs', 'cancel']);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining(second ?? '')]);
    const cancelled = await world.autopod(['jobs', 'cancel', second ?? '']);
    expect(cancelled.code, cancelled.stderr).toBe(0);
    expect(await stateOf(second ?? '')).toBe('cancelled');
    expect(await stateOf(first ?? '')).toBe('running');
    expect((await world.autopod(['jobs', 'cancel', '--json'])).code).toBe(0);
    expect(await stateOf(first ?? '')).toBe('cancelled');
  });

  it('Ctrl-C without a terminal: exit 130, the words say how to follow and to cancel, and the job goes on', async () => {
    const { child, ended } = world.start([
      'run',
      file('sleep.json', sleeping(3)),
      '--out',
      out('interrupted'),
    ]);
    let seen = '';
    child.stderr?.on('data', (chunk) => {
      seen += chunk;
    });
    await until('it runs', () => seen.includes('Running'), 60_000);
    child.kill('SIGINT');
    const { code, stderr } = await ended;
    expect(code).toBe(130);
    const [, id = ''] = /autopod jobs wait (\w{6})/.exec(stderr) ?? [];
    expect(stderr).toContain(`autopod jobs cancel ${id}`);
    expect((await world.autopod(['jobs', 'wait', id])).code).toBe(0);
    expect(readdirSync(out('interrupted')).filter((name) => name.endsWith('.png'))).toHaveLength(1);
  });

  it('jobs fetch brings files elsewhere, and jobs retry makes them again as a job of its own', async () => {
    const made = JSON.parse(
      (await run(file('sleep.json', sleeping(0)), '--json', '--out', out('fetched'))).stdout,
    );
    const fetched = await world.autopod(['jobs', 'fetch', made.batchId, '--out', out('elsewhere')]);
    expect(fetched.code, fetched.stderr).toBe(0);
    expect(lines(fetched.stdout).every((path) => path.startsWith(out('elsewhere')) && existsSync(path))).toBe(
      true,
    );
    const again = JSON.parse((await world.autopod(['jobs', 'retry', made.batchId, '--json'])).stdout);
    expect(again).toMatchObject({ done: 1, count: 1 });
    expect(again.batchId).not.toBe(made.batchId);
    expect(again.jobs[0].seeds).toEqual(made.jobs[0].seeds);
  });
});
