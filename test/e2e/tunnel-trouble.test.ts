import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type KeeperClient, keeperClient, type TunnelView } from '../../src/keeper/client.ts';
import { describeHome } from '../../src/store/home.ts';
import { freePort } from '../support/free-port.ts';
import { commandLine, signal } from '../support/processes.ts';
import { sample } from '../support/sample.ts';
import { statusAt } from '../support/status-at.ts';
import { until } from '../support/until.ts';
import { leftRunning, startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
let keeper: KeeperClient;
afterEach(() => world.end());

const views = () => keeper.seen();
const view = async (): Promise<TunnelView> => (await views())[0] as TunnelView;
const isState = (state: string) => until(state, async () => (await view())?.state === state);
const killSsh = async () => expect(signal((await view()).sshPid, 'SIGKILL')).toBe(1);
const answersAt = async (port: number) => (await statusAt(port)) === 200;

async function begin(pods = 1, portPatienceMs = 1_000): Promise<void> {
  world = await startWorld();
  world.env.AUTOPOD_KEEPER_TIMINGS = JSON.stringify({ portPatienceMs });
  keeper = keeperClient(describeHome(world.home), world.env);
  for (let pod = 0; pod < pods; pod++) {
    const { code, stderr } = await world.autopod([
      'connect',
      '--local-port',
      await freePort(),
      '--name',
      `pod-${pod}`,
    ]);
    expect(code, stderr).toBe(0);
  }
}

describe('a tunnel whose ssh dies when the next one cannot be opened', () => {
  const KEYS: [string, string, (key: string) => void, (key: string) => void][] = [
    [
      'the key is gone',
      'sshKeyMissing',
      (key) => renameSync(key, `${key}.away`),
      (key) => renameSync(`${key}.away`, key),
    ],
    [
      'the key is open to others',
      'sshKeyTooOpen',
      (key) => chmodSync(key, 0o644),
      (key) => chmodSync(key, 0o600),
    ],
    [
      'the key is none any more',
      'sshKeyInvalid',
      (key) => {
        renameSync(key, `${key}.away`);
        writeFileSync(key, 'not a key\n', { mode: 0o600 });
      },
      (key) => renameSync(`${key}.away`, key),
    ],
  ];

  it.each(sample(2, KEYS))(
    '%s: failed with %s, and the next tunnel heals it',
    async (_, code, breakIt, mend) => {
      await begin();
      const key = join(world.home, 'id_test');
      breakIt(key);
      await killSsh();
      await isState('failed');
      expect((await view()).failure?.code).toBe(code);
      mend(key);
      expect((await world.autopod(['tunnel'])).code).toBe(0);
    },
  );

  it('the key is gone, but ssh only stood still: it is taken up again', async () => {
    await begin();
    const { sshPid = 0 } = await view();
    expect(signal(sshPid, 'SIGSTOP')).toBe(1);
    renameSync(join(world.home, 'id_test'), join(world.home, 'away'));
    await until('noticed', async () => (await view()).state !== 'healthy');
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect((await view()).state).toBe('recreating');
    signal(sshPid, 'SIGCONT');
    await isState('healthy');
    expect((await view()).sshPid).toBe(sshPid);
  });

  it('RunPod refuses the API key: the pod is found where it was', async () => {
    await begin();
    await fetch(`${world.simulator.controlUrl}/faults`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ route: 'getPod', kind: 'status', status: 401, times: 50 }),
    });
    const { sshPid } = await view();
    await killSsh();
    await until('another ssh', async () => {
      const now = await view();
      return now.state === 'healthy' && now.sshPid !== sshPid;
    });
  });
});

describe('a keeper that starts again', () => {
  const killKeeper = () => {
    const all = world.processes().filter((id) => !commandLine(id).startsWith('ssh '));
    signal(all, 'SIGKILL');
  };

  it('and finds the port taken: the tunnel is failed and tells by whom; freed, the next command brings it back', async () => {
    await begin();
    const { localPort, sshPid } = await view();
    killKeeper();
    const other = await takePort(localPort);
    await world.autopod(['tunnel', '--status']);
    await isState('failed');
    expect((await view()).failure).toMatchObject({
      code: 'localPortTaken',
      detail: { port: localPort, pid: process.pid },
    });
    const refused = await world.autopod(['tunnel']);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('is taken')]);
    other.close();
    expect((await world.autopod(['tunnel'])).code).toBe(0);
    expect(await answersAt(localPort)).toBe(true);
    expect((await view()).sshPid).toBe(sshPid);
  });

  it('and finds the port taken for a moment: takes it when it is free', async () => {
    await begin(1, 60_000);
    const { localPort, sshPid } = await view();
    killKeeper();
    const other = await takePort(localPort);
    await world.autopod(['tunnel', '--status']);
    expect((await view()).state).toBe('starting');
    other.close();
    await isState('healthy');
    expect(await view()).toMatchObject({ localPort, sshPid });
    expect(await answersAt(localPort)).toBe(true);
  });

  it('and finds the port taken: --local-port auto moves the tunnel', async () => {
    await begin();
    const { localPort } = await view();
    killKeeper();
    const other = await takePort(localPort);
    expect((await world.autopod(['tunnel', '--local-port', 'auto'])).code).toBe(0);
    expect((await view()).localPort).not.toBe(localPort);
    expect(await answersAt((await view()).localPort)).toBe(true);
    other.close();
    expect((await world.autopod(['tunnel', '--stop'])).code).toBe(0);
    expect(await leftRunning(world)).toEqual([]);
  });

  it('and finds tunnels of a later autopod: it says so and leaves, and they are not touched', async () => {
    await begin();
    killKeeper();
    const path = join(world.home, 'tunnels.json');
    const later = readFileSync(path, 'utf8')
      .replace('"schema": 1', '"schema": 99')
      .replace('"schema":1', '"schema":99');
    writeFileSync(path, later);
    const { code, stdout } = await world.autopod(['tunnel', '--status', '--json']);
    expect([code, JSON.parse(stdout).error.code]).toEqual([1, 'stateNewer']);
    await until('nothing but ssh runs', () =>
      world.processes().every((pid) => commandLine(pid).startsWith('ssh ')),
    );
    expect(readFileSync(path, 'utf8')).toBe(later);
  });

  it('whose socket was removed makes another one', async () => {
    await begin();
    const pids = world.keeperPids();
    rmSync(join(world.home, 'run', 'keeper.sock'));
    await until('it answers', async () => (await keeper.pid()) !== undefined);
    expect(world.keeperPids()).toEqual(pids);
    expect((await world.autopod(['tunnel', '--status'])).code).toBe(0);
  });
});

describe('several pods', () => {
  it('have a tunnel each, which do not know of each other, and come back together', async () => {
    await begin(3);
    const before = await views();
    expect(new Set(before.map(({ localPort }) => localPort)).size).toBe(3);
    for (const { localPort } of before) expect(await answersAt(localPort)).toBe(true);
    await world.killAll();
    expect((await world.autopod(['tunnel', '--all'])).code).toBe(0);
    expect((await views()).map(({ podId, localPort }) => [podId, localPort]).toSorted()).toEqual(
      before.map(({ podId, localPort }) => [podId, localPort]).toSorted(),
    );
    const several = await world.autopod(['tunnel', '--stop']);
    expect([several.code, several.stderr]).toEqual([1, expect.stringContaining('several')]);
    expect((await world.autopod(['tunnel', 'pod-1', '--stop'])).code).toBe(0);
    expect(await views()).toHaveLength(2);
    for (const { localPort } of await views()) expect(await answersAt(localPort)).toBe(true);
    expect((await world.autopod(['tunnel', '--stop', '--all'])).code).toBe(0);
    expect(await leftRunning(world)).toEqual([]);
  });

  it('two of them do not get the same port: it is told whose it is', async () => {
    await begin(2);
    const [one] = await views();
    const { code, stderr } = await world.autopod(['tunnel', 'pod-1', '--local-port', String(one?.localPort)]);
    expect(code === 1 ? stderr : '').toContain(one?.podId);
  });

  it('a port that another program has on [::1] only is taken, and it is told by whom', async () => {
    await begin();
    const port = await freePort();
    const other = createServer().listen(Number(port), '::1');
    await once(other, 'listening');
    const { code, stderr } = await world.autopod(['tunnel', '--local-port', String(port)]);
    expect([code, stderr]).toEqual([1, expect.stringContaining(`process ${process.pid}`)]);
    other.close();
  });
});

describe('a key with a passphrase', () => {
  it('is used through the agent of the terminal that asks, also when that is another one later', async () => {
    world = await startWorld();
    keeper = keeperClient(describeHome(world.home), world.env);
    const key = join(world.home, 'id_test');
    execFileSync('ssh-keygen', ['-q', '-p', '-P', '', '-N', 'secret', '-f', key]);
    const first = await startAgent('first');
    const locked = await world.autopod(['up', '--local-port', 'auto']);
    expect([locked.code, locked.stderr]).toEqual([1, expect.stringContaining('ssh-add')]);
    first.add(key);
    const run = await world.autopod(['up', '--local-port', 'auto'], first.env);
    expect(run.code, run.stderr).toBe(0);
    // An agent may ask its user for each login: none stands by.
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect((await view()).standbyPid).toBeUndefined();
    first.end();
    await killSsh();
    await isState('failed');
    expect((await view()).failure?.code).toBe('sshKeyLocked');
    const second = await startAgent('second');
    second.add(key);
    expect((await world.autopod(['tunnel'], second.env)).code).toBe(0);
    second.end();
  });
});

/** Takes a port as soon as who had it has gone. */
async function takePort(port: number): Promise<Server> {
  return until('the port is free', async () => {
    const server = createServer().listen(port, '127.0.0.1');
    return once(server, 'listening').then(
      () => server,
      () => undefined,
    );
  });
}

async function startAgent(name: string) {
  const SSH_AUTH_SOCK = join(world.home, name);
  const child = spawn('ssh-agent', ['-D', '-a', SSH_AUTH_SOCK], { stdio: ['ignore', 'pipe', 'ignore'] });
  await once(child.stdout, 'data');
  const askpass = join(world.home, 'askpass');
  writeFileSync(askpass, '#!/bin/sh\necho secret\n', { mode: 0o700 });
  const env = { SSH_AUTH_SOCK };
  return {
    env,
    add: (key: string) =>
      execFileSync('ssh-add', ['-q', key], {
        env: { ...process.env, ...env, SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force', DISPLAY: ':0' },
      }),
    end: () => child.kill('SIGTERM'),
  };
}
