import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { TunnelView } from '../../src/keeper/client.ts';
import { freePort } from '../support/free-port.ts';
import { commandLine, signal } from '../support/processes.ts';
import { statusAt } from '../support/status-at.ts';
import { until } from '../support/until.ts';
import { leftRunning, startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
let url = '';

async function view(): Promise<TunnelView | undefined> {
  const { tunnels } = JSON.parse((await world.autopod(['tunnel', '--status', '--json'])).stdout);
  return (tunnels as TunnelView[])[0];
}

const state = async () => (await view())?.state;
const isState = (wanted: string) => until(`tunnel ${wanted}`, async () => (await state()) === wanted);

/** A request as a browser would make it: waits as long as the tunnel lets it. */
async function answers(): Promise<boolean> {
  return (await statusAt(new URL(url).port)) === 200;
}

async function control(action: string, body?: object): Promise<void> {
  const [id = ''] = await world.podIds();
  const answer = await fetch(`${world.simulator.controlUrl}/pods/${id}/${action}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  expect(answer.ok).toBe(true);
}

async function ready(): Promise<void> {
  world = await startWorld();
  // A port of its own: while a killed keeper starts again, whoever asks for `auto` would take one from 8188 up.
  const run = await world.autopod(['up', '--local-port', await freePort()]);
  expect(run.code, run.stderr).toBe(0);
  url = /http:\/\/localhost:\d+/.exec(run.stdout)?.[0] ?? '';
}

describe('a tunnel outlives what happens to it', () => {
  beforeAll(ready);
  afterAll(() => world.end());
  afterEach(async () => {
    expect((await world.autopod(['tunnel', 'list', '--json'])).stdout.match(/"podId"/g)).toHaveLength(1);
  });

  it('ssh killed: a request made at once is held and answered through another ssh', async () => {
    const before = await view();
    expect(signal(before?.sshPid, 'SIGKILL')).toBe(1);
    expect(await answers()).toBe(true);
    await isState('healthy');
    const after = await view();
    expect(after?.sshPid).not.toBe(before?.sshPid);
    expect(after?.lastDeath?.failure.code).toBe('sshUnreachable');
    expect(after?.lastHealedAt).toBeDefined();
  });

  it('the keeper killed: another one takes up the same ssh and the same port', async () => {
    const before = await view();
    signal(world.keeperPids(), 'SIGKILL');
    await until('answers again', () => answers().catch(() => false));
    await isState('healthy');
    expect((await view())?.sshPid).toBe(before?.sshPid);
  });

  it('the guardian killed: the keeper gets another one, which starts it again when it is killed, too', async () => {
    const { sshPid } = (await view()) ?? {};
    const [keeper] = world.keeperPids();
    for (let time = 0; time < 2; time++) {
      const [guardian = 0] = guardians();
      signal(guardian, 'SIGKILL');
      await until('another guardian', () => guardians().some((pid) => pid !== guardian));
    }
    expect(world.keeperPids()).toEqual([keeper]);
    signal(keeper, 'SIGKILL');
    await until('another keeper', () => world.keeperPids().some((pid) => pid !== keeper));
    await until('answers again', () => answers().catch(() => false));
    expect((await view())?.sshPid).toBe(sshPid);
  });

  it('keeper and guardian killed: the next command, even one that only looks, brings the tunnel back', async () => {
    const ssh = (await view())?.sshPid;
    const keeperAndGuardian = world.processes().filter((id) => id !== ssh);
    signal(keeperAndGuardian, 'SIGKILL');
    await until('nobody at the port', () =>
      fetch(url)
        .then(() => false)
        .catch(() => true),
    );
    await world.autopod(['tunnel', '--status']);
    expect(await answers()).toBe(true);
    await isState('healthy');
    expect((await view())?.sshPid).toBe(ssh);
  });

  it('everything killed: the next command opens another ssh at the same port', async () => {
    await world.killAll();
    const run = await world.autopod(['up']);
    expect(run.stdout).toContain(url);
    expect(await answers()).toBe(true);
  });

  it('the pod restarted elsewhere (another port): the tunnel follows', async () => {
    const before = await view();
    await control('restart');
    await until('another address', async () => {
      const now = await view();
      return now?.state === 'healthy' && now.address?.port !== before?.address?.port;
    });
    await until('ComfyUI answers', () => answers().catch(() => false));
  });

  it('sshd frozen: noticed within seconds, healed when it thaws, and no request is refused', async () => {
    await control('sshd', { state: 'frozen' });
    await until('not healthy', async () => (await state()) !== 'healthy', 8_000);
    const held = answers();
    await control('sshd', { state: 'up' });
    expect(await held).toBe(true);
    await isState('healthy');
  });

  it('ComfyUI down while ssh is up is told apart', async () => {
    await control('comfy', { state: 'down' });
    await until('ComfyUI down', async () => (await view())?.comfy === 'down', 25_000);
    expect(await state()).toBe('healthy');
    await control('comfy', { state: 'up' });
    await until('ComfyUI answering', async () => (await view())?.comfy === 'answering');
  });

  it('the pod stopped: the tunnel waits, and comes back by itself when the pod runs', async () => {
    await control('exit');
    await isState('waitingForPod');
    expect((await world.autopod(['tunnel', '--status'])).code).toBe(1);
    expect((await world.autopod(['start', '--no-wait'])).code).toBe(0);
    await isState('healthy');
  });

  it('stopped by autopod: the wish stays, every view tells of it, and --all shows it (I13)', async () => {
    expect((await world.autopod(['stop'])).code).toBe(0);
    await isState('waitingForPod');
    const [id = ''] = await world.podIds();
    expect(await statusAt(new URL(url).port)).toBe(503);
    expect((await world.autopod(['tunnel', '--all'])).stdout).toContain(id);
    expect((await world.autopod(['ssh-config'])).stderr).toContain(`The tunnel to pod ${id} waits`);
    const opened = await world.autopod(['comfy', 'open', '--no-browser']);
    expect([opened.code, opened.stderr]).toEqual([1, expect.stringContaining('is not running')]);
    expect((await world.autopod(['start', '--no-wait'])).code).toBe(0);
    await isState('healthy');
    expect(await answers()).toBe(true);
  });

  it('asking twice changes nothing (I6)', async () => {
    const before = await view();
    expect((await world.autopod(['tunnel'])).stdout).toContain(url);
    expect((await world.autopod(['tunnel', '--local-port', 'auto'])).stdout).toContain(url);
    expect((await view())?.sshPid).toBe(before?.sshPid);
  });

  it('--local-port moves the tunnel, and the port it left is free', async () => {
    // Ports of its own: the first from 8188 up go to whoever asks next.
    const [left, port] = [await freePort(), await freePort()];
    expect((await world.autopod(['tunnel', '--local-port', left])).code).toBe(0);
    expect((await world.autopod(['tunnel', '--local-port', port])).stdout).toContain(`:${port}\n`);
    await expect(fetch(`http://localhost:${left}`)).rejects.toThrow();
    url = `http://localhost:${port}`;
    expect(await answers()).toBe(true);
  });

  it('the journal tells each death with its reason', () => {
    const lines = readFileSync(join(world.home, 'journal.jsonl'), 'utf8').split('\n').filter(Boolean);
    const deaths = lines
      .map((line) => JSON.parse(line))
      .filter(({ machine, to }) => machine === 'tunnel@1' && to === 'dead');
    expect(deaths.length).toBeGreaterThan(1);
    for (const { reason } of deaths) expect(reason).toMatch(/^sshUnreachable/);
  });
});

describe('ssh that is just being opened', () => {
  afterEach(() => world.end());

  it('is not left behind by who stops the tunnel meanwhile, however slow ssh is to answer', async () => {
    world = await startWorld();
    await world.autopod(['up', '--no-tunnel']);
    const slow = join(world.home, 'slow');
    mkdirSync(slow);
    // A slow ssh, by its own program: it hesitates before it is asked whether it lives.
    writeFileSync(
      join(slow, 'ssh'),
      `#!/bin/sh\ncase "$*" in *'-O check'*) sleep 1;; esac\nPATH="${process.env.PATH}" exec ssh "$@"\n`,
      { mode: 0o755 },
    );
    const env = { PATH: `${slow}:${process.env.PATH}` };
    for (const waitMs of [0, 300, 700]) {
      const opening = world.start(['tunnel', '--local-port', 'auto'], env);
      await until('an ssh', () => world.processes().some((pid) => commandLine(pid).startsWith('ssh -N')));
      await sleep(waitMs);
      expect((await world.autopod(['tunnel', '--stop'], env)).code).toBe(0);
      await opening.ended;
      expect(await leftRunning(world)).toEqual([]);
    }
  });
});

describe('a terminal that closes', () => {
  afterEach(() => world.end());

  it('does not reach keeper and guardian: they are in a session of their own and take no SIGHUP', async () => {
    await ready();
    const session = (pid: number | string) =>
      readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /, '')
        .split(' ')[3];
    const pids = [...world.keeperPids(), ...guardians()];
    expect(pids).toHaveLength(2);
    for (const pid of pids) expect(session(pid)).not.toBe(session('self'));
    signal(pids, 'SIGHUP');
    expect(await answers()).toBe(true);
    expect([...world.keeperPids(), ...guardians()]).toEqual(pids);
  });
});

function guardians(): number[] {
  return world.processes().filter((pid) => commandLine(pid).includes('autopod-guardian'));
}

describe('a tunnel for a moment', () => {
  beforeEach(async () => {
    world = await startWorld({ latencies: { comfyStartMs: 60_000 } });
  });
  afterEach(() => world.end());

  it.each(['SIGINT', 'SIGKILL'] as const)(
    'ends with the up --no-tunnel that needed it, by %s',
    async (signal) => {
      const up = world.start(['up', '--no-tunnel']);
      await until('the tunnel', async () => (await state()) === 'healthy');
      expect((await view())?.isTemporary).toBe(true);
      up.child.kill(signal);
      await up.ended;
      expect(await leftRunning(world)).toEqual([]);
    },
  );
});

describe('a tunnel and its pod', () => {
  beforeEach(ready);
  afterEach(() => world.end());

  it('a pod ended at RunPod takes its tunnel along, and the keeper leaves', async () => {
    await control('terminate');
    await until('no tunnel', async () => (await view()) === undefined);
    expect(await leftRunning(world)).toEqual([]);
  });

  it('a key the pod does not take fails with what to do, and is not tried for ever', async () => {
    expect((await world.autopod(['tunnel', '--stop'])).code).toBe(0);
    const key = join(world.home, 'other');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    writeFileSync(
      join(world.home, 'config.json'),
      JSON.stringify({ providers: { runpod: { ssh_key_path: key } } }),
    );
    // Past the grace that a pod which has just booted gets for writing its keys.
    const env = { AUTOPOD_KEEPER_TIMINGS: '{"keyGraceMs":0}' };
    expect(await leftRunning(world)).toEqual([]);
    const run = await world.autopod(['tunnel', '--local-port', 'auto'], env);
    expect([run.code, run.stderr]).toEqual([1, expect.stringContaining('does not accept the ssh key')]);
    expect(await state()).toBe('failed');
  });

  it('nothing of ours holds the API key but the environment, and ssh has not even that (I8)', async () => {
    const ssh = (await view())?.sshPid ?? 0;
    expect(readFileSync(`/proc/${ssh}/environ`, 'utf8')).not.toContain('sim-key');
    for (const pid of world.processes())
      expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).not.toContain('sim-key');
    const files = readdirSync(world.home, { recursive: true, encoding: 'utf8' })
      .map((name) => join(world.home, name))
      .filter((path) => statSync(path).isFile());
    expect(files.length).toBeGreaterThan(4);
    for (const path of files) expect(readFileSync(path, 'latin1'), path).not.toContain('sim-key');
  });

  it('what it keeps is closed to other users, and the user’s own known_hosts is not touched', () => {
    expect(statSync(world.home).mode & 0o777).toBe(0o700);
    for (const name of ['pods.json', 'tunnels.json', 'journal.jsonl', join('logs', 'autopod.log')]) {
      expect(statSync(join(world.home, name)).mode & 0o777, name).toBe(0o600);
    }
    expect(statSync(join(world.home, 'run', 'keeper.sock')).mode & 0o777).toBe(0o600);
    expect(readdirSync(world.home)).not.toContain('.ssh');
    expect(readdirSync(join(world.home, 'known_hosts'))).toHaveLength(1);
  });
});
