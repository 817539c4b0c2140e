import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandLine, procFile } from '../support/processes.ts';
import { until } from '../support/until.ts';
import type { Run } from '../support/world.ts';
import { isWholeAsked } from './support/engine.ts';
import { startFleet, type TestFleet } from './support/fleet.ts';
import { newLaptop } from './support/laptop.ts';

describe.skipIf(!isWholeAsked)('a member of a fleet, at their own machine', () => {
  let fleet: TestFleet;
  let home: string;
  let autopod: (...args: string[]) => Promise<Run>;
  let podId = '';

  beforeAll(async () => {
    fleet = await startFleet();
    ({ home, autopod } = await newLaptop(fleet, 'laptop'));
  });

  afterAll(async () => {
    await autopod('tunnel', '--stop', '--all');
    await fleet.end();
  });

  it('logs in with the one line that the server has printed', async () => {
    const { stdout } = await fleet.autopod(['serve', 'invite', 'ann']);
    const [, url = ''] = /^autopod login '(.+)'$/m.exec(stdout) ?? [];
    const run = await autopod('login', url, '--json');
    expect(run, run.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(run.stdout)).toEqual({ url: fleet.url, name: 'ann', role: 'member', hasKey: true });
    expect((await autopod('login', url)).code).toBe(1);
  });

  it('has a pod made, and reaches its ComfyUI by a tunnel of their own, with no key of RunPod’s', async () => {
    const run = await autopod('up', '--name', 'mine', '--json');
    expect(run, run.stderr + run.stdout).toMatchObject({ code: 0 });
    const { url, owner, podId: made } = JSON.parse(run.stdout);
    podId = made;
    expect(owner).toBe('ann');
    expect(await fleet.podIds()).toEqual([podId]);
    expect((await fetch(`${url}/system_stats`)).status).toBe(200);
    const ssh = fleet.processes().filter((pid) => /^[^\0]*ssh\0/.test(procFile(pid, 'cmdline')));
    expect(ssh.some((pid) => commandLine(pid).includes(join(home, 'id_laptop')))).toBe(true);
    const leaked = () => execFileSync('grep', ['-rl', '--include=*.json', 'sim-key', home]);
    expect(leaked).toThrow('Command failed'); // grep ends with 1 where there is nothing
  });

  it('sees the pods, and what happened with who asked for it', async () => {
    const [row] = JSON.parse((await autopod('ls', '--json')).stdout).pods;
    expect(row).toMatchObject({ podId, name: 'mine', owner: 'ann', state: 'ready', status: 'RUNNING' });
    expect((await autopod('ls')).stdout).toMatch(/mine +ann +RUNNING/);
    expect((await autopod('info')).stdout).toMatch(/Owner: +ann/);
    expect((await autopod('history')).stdout).toContain(', for ann');
    expect((await autopod('ls', '--fleet', 'none')).stderr).toContain('RunPod API key');
  });

  it('sees what can be had, and where, as the fleet’s account does', async () => {
    expect((await autopod('gpus', 'A40')).stdout).toContain('A40');
    expect((await autopod('volumes', '--json')).code).toBe(0);
  });

  it('keeps the tunnel when the keeper is killed: the fleet tells the next one where the pod is', async () => {
    const laptop = () =>
      fleet.keeperPids().filter((pid) => procFile(pid, 'environ').includes(`AUTOPOD_HOME=${home}\0`));
    const [before] = laptop();
    process.kill(before ?? 0, 'SIGKILL');
    const { stdout } = await until('another keeper, and healthy', async () => {
      const run = await autopod('tunnel', '--status', '--json');
      return laptop()[0] !== before && run.code === 0 ? run : undefined;
    });
    expect(stdout).toContain(podId);
  });

  it('is not let ignore an option that a fleet does not take', async () => {
    const { code, stderr } = await autopod('up', '--if-alone', '10m');
    expect([code, stderr]).toEqual([2, expect.stringContaining('--if-alone')]);
    expect((await autopod('tunnel', podId, '--stop-after', '1h')).code).toBe(2);
  });

  it('stops it, has it stopped by a plan while they sleep, and ends it', async () => {
    expect((await autopod('stop')).stdout).toContain(podId);
    const again = await autopod('up', '--stop-after', '25s', '--no-tunnel', '--json');
    expect(again, again.stderr).toMatchObject({ code: 0 });
    expect((await autopod('ls')).stderr).toContain('by the fleet’s server');
    await until('stopped', async () => (await fleet.pods())[0]?.status === 'EXITED', 60_000);
    expect(fleet.journal().some(({ who }) => who === 'the plan of ann')).toBe(true);
    expect((await autopod('kill', '--yes')).code).toBe(0);
    expect(await fleet.podIds()).toEqual([]);
  });

  it('is out as soon as the server’s user says so', async () => {
    expect((await fleet.autopod(['serve', 'remove', 'ann'])).stdout).toContain('ann is out');
    const { code, stderr } = await autopod('ls');
    expect([code, stderr]).toEqual([1, expect.stringContaining('does not let you in')]);
    expect((await autopod('logout')).code).toBe(0);
    expect(readFileSync(join(home, 'login.json'), 'utf8')).not.toContain('token');
  });
});
