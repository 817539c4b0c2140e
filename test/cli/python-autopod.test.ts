import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { logLine } from '../../src/services/log.ts';
import { signal } from '../support/processes.ts';
import { inProcess } from '../support/shell.ts';
import { tempHome } from '../support/temp-home.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

// What the Python autopod did, kept; and its defects, not repeated.

let world: TestWorld;

describe('with one pod that is ready', () => {
  let podId = '';
  beforeAll(async () => {
    world = await startWorld();
    const run = await world.autopod(['connect', '--local-port', 'auto', '--name', 'art']);
    expect(run.code, run.stderr).toBe(0);
    [podId = ''] = await world.podIds();
  });
  afterAll(() => world.end());

  it.each([
    ['list', 'ls'],
    ['ps', 'ls'],
  ])('%s is %s', async (alias, command) => {
    const [one, other] = await Promise.all([inProcess(world, [alias]), inProcess(world, [command])]);
    expect(one.code).toBe(0);
    expect(one.stdout.split('\n')[0]).toBe(other.stdout.split('\n')[0]);
  });

  it('list has id, status, GPU, running time, cost so far and rate, and a total', async () => {
    const { stdout } = await inProcess(world, ['list']);
    expect(stdout).toMatch(new RegExp(`${podId}.*RUNNING.*1x A40.*\\$0\\.\\d\\d.*\\$0\\.40/h`));
    expect(stdout).toMatch(/1 pod, \$0\.40\/h in all/);
  });

  it('shell is ssh, and passes its exit code on', async () => {
    const run = await world.autopod(['shell', '--command', 'exit 3']);
    expect(run.code).toBe(3);
  });

  it('a pod is found by its name as well', async () => {
    expect((await inProcess(world, ['info', 'art'])).stdout).toContain(podId);
  });

  it('info has the ssh command to paste', async () => {
    expect((await inProcess(world, ['info'])).stdout).toMatch(/^ssh -p \d+ -i \S+ root@\S+$/m);
  });

  it('success is not printed after a failed test: a ComfyUI that is down is not available', async () => {
    const comfy = (state: string) =>
      fetch(`${world.simulator.controlUrl}/pods/${podId}/comfy`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ state }),
      });
    await comfy('down');
    const { stdout } = await inProcess(world, ['tunnel']);
    await comfy('up');
    expect(stdout).toMatch(/does not answer yet/);
    expect(stdout).not.toContain('ComfyUI available');
  });

  it('with several pods there is a table, a request to name one, and exit code 1', async () => {
    const second = await world.autopod(['connect', '--no-tunnel', '--name', 'second']);
    expect(second.code, second.stderr).toBe(0);
    const { code, stderr } = await inProcess(world, ['stop']);
    await world.autopod(['kill', 'second', '-y']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/POD +NAME +STATUS +GPU +RATE\n.*RUNNING.*\n.*RUNNING/);
    expect(stderr).toContain('Name the one you mean');
    expect(await world.podIds()).toEqual([podId]);
  });

  it('a pod id in brackets is told as it was typed', async () => {
    const { code, stderr } = await inProcess(world, ['info', '[pod-id]']);
    expect([code, stderr]).toEqual([1, expect.stringContaining('[pod-id]')]);
  });

  it('a record is not deleted because somebody says “not found”', async () => {
    const before = readFileSync(join(world.home, 'pods.json'), 'utf8');
    await inProcess(world, ['info', 'nobody']);
    await inProcess(world, ['stop', 'nobody']);
    expect(JSON.parse(readFileSync(join(world.home, 'pods.json'), 'utf8')).records).toEqual(
      JSON.parse(before).records,
    );
  });

  it('a pod that cannot be looked up is not left out of the choice: nothing is acted on', async () => {
    await fetch(`${world.simulator.controlUrl}/faults`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ route: 'listPods', kind: 'status', status: 500, times: 20 }),
    });
    const run = await world.autopod(['kill', '-y']);
    await fetch(`${world.simulator.controlUrl}/faults`, { method: 'DELETE' });
    expect(run.code).not.toBe(0);
    expect(await world.podIds()).toEqual([podId]);
  });

  it('an unrelated process is not killed because tunnels.json has its pid', async () => {
    const bystander = spawn('sleep', ['60'], { argv0: 'ssh 8188' });
    await world.autopod(['tunnel', '--stop']);
    const path = join(world.home, 'tunnels.json');
    await world.autopod(['tunnel', '--local-port', 'auto']);
    const content = JSON.parse(readFileSync(path, 'utf8'));
    content.records[podId].facts.pid = bystander.pid;
    signal(world.keeperPids(), 'SIGKILL');
    writeFileSync(path, JSON.stringify(content));
    await world.autopod(['tunnel', '--stop']);
    expect(bystander.exitCode ?? bystander.signalCode).toBeNull();
    bystander.kill();
  });

  it('the aliases of start and kill do the thing, and end as it does', async () => {
    expect((await world.autopod(['stop'])).stdout).toContain('network volume stays');
    const resumed = await world.autopod(['resume', '--local-port', 'auto']);
    expect([resumed.code, resumed.stderr]).toEqual([
      0,
      expect.stringContaining('keeps its host but not its GPU'),
    ]);
    const runs = await world.autopod(['start']);
    expect([runs.code, runs.stderr]).toEqual([0, expect.not.stringContaining('not its GPU')]);
    expect((await world.autopod(['terminate', '-y'])).code).toBe(0);
    expect((await world.autopod(['rm', '-y'])).code).toBe(1);
    expect(await world.podIds()).toEqual([]);
  });
});

it('the log is kept to 10 MiB and five older ones, closed to others', () => {
  const { log } = tempHome();
  const names = [log, ...[1, 2, 3, 4, 5].map((number) => `${log}.${number}`)];
  for (const [age, name] of names.entries()) writeFileSync(name, String(age).repeat(10 * 1024 * 1024 + 1));
  logLine(log, 'hello');
  expect(readFileSync(log, 'utf8')).toMatch(/^\S+Z hello\n$/);
  expect(statSync(log).mode & 0o777).toBe(0o600);
  expect(names.slice(1).map((name) => readFileSync(name, 'utf8')[0])).toEqual(['0', '1', '2', '3', '4']);
  expect(existsSync(`${log}.6`)).toBe(false);
});

describe('settings', () => {
  afterEach(() => world.end());

  it('list --all has launches without a pod, too', async () => {
    world = await startWorld();
    const fault = { route: 'createPod', kind: 'status', status: 400, times: 20 };
    await fetch(`${world.simulator.controlUrl}/faults`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(fault),
    });
    expect((await world.autopod(['connect', '--no-tunnel', '--name', 'in-vain'])).code).toBe(1);
    expect((await inProcess(world, ['list'])).stdout).not.toContain('in-vain');
    expect((await inProcess(world, ['list', '--all'])).stdout).toMatch(/in-vain +launch /);
  });

  it("the API key of runpodctl's config.toml is used where there is no other", async () => {
    world = await startWorld();
    mkdirSync(join(world.home, '.runpod'));
    writeFileSync(join(world.home, '.runpod', 'config.toml'), 'apikey = "sim-key"\n', { mode: 0o600 });
    const env = { ...world.env, RUNPOD_API_KEY: '' };
    expect((await inProcess({ env }, ['list'])).code).toBe(0);
  });

  it('default_volume_mount, default_volume_id and gpu_count are heeded', async () => {
    world = await startWorld();
    const path = join(world.home, 'config.json');
    const config = JSON.parse(readFileSync(path, 'utf8'));
    Object.assign(config.providers.runpod, {
      default_volume_id: 'abc123xyz',
      default_volume_mount: '/models',
    });
    config.defaults.gpu_count = 2;
    writeFileSync(path, JSON.stringify(config));
    const { stdout } = await inProcess(world, ['connect', '--no-tunnel', '--dry-run', '--json']);
    expect(JSON.parse(stdout).request).toMatchObject({
      gpu: { count: 2 },
      mounts: { network: [{ volumeId: 'abc123xyz', path: '/models' }] },
    });
  });

  it('--cloud-type is taken in any case, and what it cannot be is named', async () => {
    world = await startWorld();
    const { code } = await inProcess(world, [
      'connect',
      '--no-tunnel',
      '--dry-run',
      '--cloud-type',
      'secure',
    ]);
    const wrong = await inProcess(world, ['connect', '--no-tunnel', '--dry-run', '--cloud-type', 'private']);
    expect([code, wrong.code, wrong.stderr]).toEqual([0, 2, expect.stringContaining('private')]);
  });

  it('-v shows each request to RunPod on stderr, without the key', async () => {
    world = await startWorld();
    const { stderr, stdout } = await inProcess(world, ['-v', 'ls']);
    expect(stderr).toMatch(/GET pods 200 in \d+ ms/);
    expect(stderr + stdout).not.toContain(world.env.RUNPOD_API_KEY);
  });
});
