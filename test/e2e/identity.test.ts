import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { ScenarioInput } from '../../sim/scenario.ts';
import { pace } from '../support/pace.ts';
import { sample } from '../support/sample.ts';
import { HAS_SCRIPT, onTerminal } from '../support/terminal.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
afterEach(() => world.end());

/** Which pod is meant does not depend on a tunnel, and most of these are quicker without. */
const up = ['up', '--no-tunnel'];
const MINUTE = 60_000;
const control = (podId: string, name: string, body: object = {}) =>
  fetch(`${world.simulator.controlUrl}/pods/${podId}/${name}`, {
    method: 'POST',
    body: JSON.stringify(body),
  });
const statusOf = async (podId: string) => (await world.pods()).find(({ id }) => id === podId)?.status;
const recordsOf = (home: string): { facts: { podId: string | null } }[] =>
  Object.values(JSON.parse(readFileSync(join(home, 'pods.json'), 'utf8')).records);

/** A ready pod and another one made of it, which carries its launch id. */
async function readyAndLater(
  how: 'copy' | 'migrate' = 'copy',
  body: object = {},
  scenario: ScenarioInput = {},
): Promise<[before: string, later: string]> {
  world = await startWorld(scenario);
  const run = await world.autopod(up);
  expect(run, run.stderr).toMatchObject({ code: 0 });
  const [before = ''] = await world.podIds();
  await control(before, how, body);
  const later = (await world.podIds()).find((id) => id !== before) ?? '';
  await world.simulator.world.until(({ pods }) => pods.get(later)?.sshd.state === 'up');
  return [before, later];
}

describe('a second pod with the same launch id is told from the first by its id (I15)', () => {
  it('kill of the later one ends it, and leaves the earlier', async () => {
    const [before, later] = await readyAndLater();
    const run = await world.autopod(['kill', '-y', later]);
    expect(run, run.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining(later) });
    expect(await world.podIds()).toEqual([before]);
    expect(recordsOf(world.home).map(({ facts }) => facts.podId)).toEqual([before]);
  });

  it('kill of the earlier one ends it, and points at the later with its price', async () => {
    const [before, later] = await readyAndLater();
    const run = await world.autopod(['kill', '-y', before]);
    expect(run, run.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining(before) });
    expect(await world.podIds()).toEqual([later]);
    expect(run.stderr).toMatch(new RegExp(`${later} carries the same launch id[^]*\\$0\\.\\d\\d/h`));
  });

  it('stop and start of the later one do it to that one', async () => {
    const [before, later] = await readyAndLater();
    expect(await world.autopod(['stop', later])).toMatchObject({ code: 0 });
    expect([await statusOf(before), await statusOf(later)]).toEqual(['RUNNING', 'EXITED']);
    await control(before, 'exit');
    const run = await world.autopod(['start', later, '--no-tunnel']);
    expect(run, run.stderr).toMatchObject({ code: 0 });
    expect([await statusOf(before), await statusOf(later)]).toEqual(['EXITED', 'RUNNING']);
  });

  it('up of the later one uses it and leaves the earlier stopped', async () => {
    const [before, later] = await readyAndLater();
    await world.autopod(['stop', before]);
    const run = await world.autopod([...up, later, '--json']);
    expect(JSON.parse(run.stdout)).toMatchObject({ podId: later, state: 'ready' });
    expect([await statusOf(before), await statusOf(later)]).toEqual(['EXITED', 'RUNNING']);
  });

  it('info, tunnel, comfy and ssh are each about the one that is named', async () => {
    const [before, later] = await readyAndLater();
    const json = async (argv: string[]) => JSON.parse((await world.autopod([...argv, '--json'])).stdout);
    for (const podId of [before, later]) {
      expect(await json(['info', podId])).toMatchObject({ podId });
      expect(await json(['tunnel', podId, '--local-port', 'auto'])).toMatchObject({ podId });
      expect(await json(['comfy', 'info', podId])).toMatchObject({ podId });
      expect(await world.autopod(['ssh', podId, '-c', 'true'])).toMatchObject({ code: 0 });
    }
  });

  it('restart and history are about the one that is named', async () => {
    const [before, later] = await readyAndLater();
    const bootsOf = (podId: string) => world.simulator.world.pod(podId).boots;
    const run = await world.autopod(['restart', later, '--no-tunnel']);
    expect(run, run.stderr).toMatchObject({ code: 0 });
    expect([bootsOf(before), bootsOf(later)]).toEqual([1, 2]);
    for (const podId of [before, later]) {
      const { stdout } = await world.autopod(['history', podId, '--json']);
      const { entries } = JSON.parse(stdout) as { entries: { podId: string }[] };
      expect(new Set(entries.map((entry) => entry.podId))).toEqual(new Set([podId]));
    }
  });

  it('with the earlier one gone, a command that names it does nothing to the later', async () => {
    const [before, later] = await readyAndLater();
    await control(before, 'terminate');
    await world.autopod(['kill', '-y', before]);
    await world.autopod([...up, before]);
    expect(await world.podIds()).toEqual([later]);
    expect(await statusOf(later)).toBe('RUNNING');
  });

  it('a name that both have is no choice, for any of these', async () => {
    const [before, later] = await readyAndLater();
    const [{ name } = { name: '' }] = await world.pods();
    for (const argv of [['kill', '-y'], ['stop'], ['info'], ['logs'], up, ['ssh', '-c', 'true']]) {
      const [verb = '', ...rest] = argv;
      const run = await world.autopod([verb, name, ...rest]);
      expect([argv, run.code, run.stderr]).toEqual([argv, 1, expect.stringContaining('several pods')]);
    }
    expect([await statusOf(before), await statusOf(later)]).toEqual(['RUNNING', 'RUNNING']);
  });
});

describe('a twin is a pod that the unanswered create has made, and no other', () => {
  const lost: ScenarioInput = { faults: [{ route: 'createPod', kind: 'dropAfter' }] };

  it.each(sample(2, [[up], [['stop']], [['start', '--no-tunnel']], [['kill', '-y']]]))(
    'after a lost answer and a launch that was ready, %j ends no other pod',
    async (command) => {
      const [before, later] = await readyAndLater('copy', {}, lost);
      const [verb = '', ...rest] = command;
      expect(await world.autopod([verb, before, ...rest])).toMatchObject({ code: 0 });
      expect(await world.podIds()).toContain(later);
      expect(await statusOf(later)).toBe('RUNNING');
    },
  );

  /** A launch whose lost create had a pod that was not found, so that another one was made; it is not ready yet. */
  const unready: ScenarioInput = {
    faults: [{ route: 'createPod', kind: 'dropBefore' }],
    latencies: { imagePullMs: 8_000 * pace() },
  };
  const whileItBoots = async (body: object): Promise<string> => {
    world = await startWorld(unready);
    const { ended } = world.start(up);
    await expect.poll(world.podIds, { timeout: 60_000 }).toHaveLength(1);
    const [own = ''] = await world.podIds();
    await control(own, 'copy', body);
    const copy = (await world.podIds()).find((id) => id !== own) ?? '';
    const run = await ended;
    expect(run, run.stderr).toMatchObject({ code: 0 });
    return `${(await world.podIds()).includes(copy) ? 'kept' : 'ended'} ${run.stderr.includes(copy) ? 'and told' : ''}`;
  };

  it('one made within minutes of it is ended', async () => {
    expect(await whileItBoots({ createdMsLater: -2 * MINUTE })).toBe('ended and told');
  });

  it('one made an hour away from it is pointed at', async () => {
    expect(await whileItBoots({ createdMsLater: -60 * MINUTE })).toBe('kept and told');
  });

  it('one with another name is pointed at', async () => {
    expect(await whileItBoots({ name: 'a-copy' })).toBe('kept and told');
  });

  it('of more pods than creates were lost, none is ended', async () => {
    world = await startWorld(unready);
    const { ended } = world.start(up);
    await expect.poll(world.podIds, { timeout: 60_000 }).toHaveLength(1);
    const [own = ''] = await world.podIds();
    world.simulator.world.rewrite({ ...world.simulator.world.scenario, listLagMs: 500 });
    await Promise.all([control(own, 'copy'), control(own, 'copy')]);
    const run = await ended;
    expect(run, run.stderr).toMatchObject({ code: 0 });
    expect(await world.podIds()).toHaveLength(3);
  });
});

describe('after a migration the later pod is offered', () => {
  it('up of the one without a GPU fails, and names the later with what it costs', async () => {
    const [before, later] = await readyAndLater('migrate');
    const run = await world.autopod(up);
    expect(run.code).toBe(1);
    expect(run.stderr).toContain(`${before} came back without a GPU`);
    expect(run.stderr).toMatch(new RegExp(`${later}[^]*RUNNING, \\$0\\.\\d\\d/h[^]*autopod up ${later}`));
    const chosen = await world.autopod([...up, later, '--json']);
    expect(JSON.parse(chosen.stdout)).toMatchObject({ podId: later, state: 'ready' });
  });

  it('start does the same, and --json has the id of the later', async () => {
    const [before, later] = await readyAndLater('migrate');
    const run = await world.autopod(['start', before, '--json']);
    expect(JSON.parse(run.stdout).error).toMatchObject({
      code: 'podWithoutGpu',
      hint: expect.stringContaining(`autopod up ${later}`),
      detail: { laterPod: later },
    });
  });

  it('ls says which of the pods was made after which', async () => {
    const [before, later] = await readyAndLater('migrate');
    const { stderr } = await world.autopod(['ls']);
    expect(stderr.replaceAll(/\s+/g, ' ')).toContain(`Pod ${later} carries the same launch id as ${before}`);
  });

  it('an up of a pod that works mentions the later one, and leaves both as they are', async () => {
    const [before, later] = await readyAndLater();
    const run = await world.autopod([...up, '--json-stream']);
    expect(run.code).toBe(0);
    const told = await world.autopod(up);
    expect([told.code, told.stderr.includes(later)]).toEqual([0, true]);
    expect([await statusOf(before), await statusOf(later)]).toEqual(['RUNNING', 'RUNNING']);
  });

  it.runIf(HAS_SCRIPT)('on a terminal up asks, and yes goes on with the later', async () => {
    const [, later] = await readyAndLater('migrate');
    const terminal = onTerminal(world, ['up', '--local-port', 'auto']);
    await terminal.when(/\[y\/N\]/, 'y\n');
    const { code, screen } = await terminal.ended;
    expect([code, screen]).toEqual([0, expect.stringContaining('ComfyUI available')]);
    expect(recordsOf(world.home).map(({ facts }) => facts.podId)).toContain(later);
  });
});

describe('two machines with one account', () => {
  /** The environment of a machine with a home and a key of its own. */
  function otherMachine(): { home: string; env: NodeJS.ProcessEnv } {
    const home = join(world.home, 'other');
    mkdirSync(home, { mode: 0o700 });
    const key = join(home, 'id_other');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'bob@desk', '-f', key]);
    const config = {
      providers: { runpod: { ssh_key_path: key } },
      defaults: { gpu_preferences: ['RTX A40'] },
    };
    writeFileSync(join(home, 'config.json'), JSON.stringify(config), { mode: 0o600 });
    return { home, env: { AUTOPOD_HOME: home } };
  }
  const recordedAt = (home: string) => {
    try {
      return recordsOf(home).length;
    } catch {
      return 0;
    }
  };

  it.each(
    sample(2, [
      [up],
      [[...up, 'POD']],
      [['ssh', 'POD', '-c', 'true']],
      [['tunnel', 'POD']],
      [['comfy', 'status', 'POD']],
    ]),
  )('%j says whose the pod seems, what to do, and keeps no record', async (command) => {
    world = await startWorld({ sshKeys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA alice@laptop'] });
    await world.autopod(up);
    const [podId = ''] = await world.podIds();
    const { home, env } = otherMachine();
    const run = await world.autopod(
      command.map((word) => (word === 'POD' ? podId : word)),
      env,
    );
    expect(run.code, run.stderr).toBe(1);
    for (const word of [podId, 'alice@laptop', 'autopod up --new', '/h']) expect(run.stderr).toContain(word);
    expect(recordedAt(home)).toBe(0);
    expect(await world.podIds()).toEqual([podId]);
  });

  it('up --new makes a pod of its own, and from then on up means that one', async () => {
    world = await startWorld();
    await world.autopod(up);
    const [theirs = ''] = await world.podIds();
    const { env } = otherMachine();
    const made = JSON.parse((await world.autopod([...up, '--new', '--json'], env)).stdout);
    expect(made.podId).not.toBe(theirs);
    expect(JSON.parse((await world.autopod([...up, '--json'], env)).stdout)).toMatchObject(made);
    await world.autopod(['tunnel', '--stop', '--all'], env);
  });

  it('ls, stop and kill work on it, and leave nothing that up would ask about', async () => {
    world = await startWorld();
    await world.autopod(up);
    const [theirs = ''] = await world.podIds();
    const { env } = otherMachine();
    expect((await world.autopod(['ls'], env)).stdout).toContain(theirs);
    expect(await world.autopod(['stop', theirs], env)).toMatchObject({ code: 0 });
    expect(await statusOf(theirs)).toBe('EXITED');
    const made = JSON.parse((await world.autopod([...up, '--new', '--json'], env)).stdout);
    expect(JSON.parse((await world.autopod([...up, '--json'], env)).stdout)).toMatchObject(made);
    expect(await world.autopod(['kill', '-y', theirs], env)).toMatchObject({ code: 0 });
    expect(await world.podIds()).toEqual([made.podId]);
    await world.autopod(['tunnel', '--stop', '--all'], env);
  });

  it('with the same key in another home the pod is found and used, whatever its comment', async () => {
    world = await startWorld();
    await world.autopod(up);
    const [podId = ''] = await world.podIds();
    const { env, home } = otherMachine();
    const config = { providers: { runpod: { ssh_key_path: join(world.home, 'id_test') } } };
    writeFileSync(join(home, 'config.json'), JSON.stringify(config));
    const run = await world.autopod([...up, '--json'], env);
    expect(JSON.parse(run.stdout)).toMatchObject({ podId, state: 'ready' });
    await world.autopod(['tunnel', '--stop', '--all'], env);
  });
});
