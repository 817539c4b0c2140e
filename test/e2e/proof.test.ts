import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type KeeperClient, keeperClient, type TunnelView } from '../../src/keeper/client.ts';
import { describeHome } from '../../src/store/home.ts';
import { commandLine, signal } from '../support/processes.ts';
import { statusAt } from '../support/status-at.ts';
import { until } from '../support/until.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

/** Who answers at the pod's address, and what its login shell makes of the question. */

let world: TestWorld;
let keeper: KeeperClient;
let podId = '';
afterEach(() => world.end());

/** A keeper's start takes long on a busy machine. */
const LATE_MS = 45_000;

const view = async (): Promise<TunnelView> => (await keeper.seen())[0] as TunnelView;
const isState = (state: string) => until(state, async () => (await view())?.state === state);
const isStanding = (proof: string, watchedBy: string) =>
  until(
    `${proof}, watched by ${watchedBy}`,
    async () => {
      const now = await view();
      return now.state === 'healthy' && now.proof === proof && now.watchedBy === watchedBy;
    },
    LATE_MS,
  );
const up = (...more: string[]) => world.autopod(['up', '--local-port', 'auto', ...more]);
const control = (action: string, body: object, id = podId) =>
  fetch(`${world.simulator.controlUrl}/pods/${id}/${action}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
const ssh = () => world.processes().filter((pid) => commandLine(pid).startsWith('ssh -N'));
/** The address changes hands, and the tunnel has to be opened again. */
const killEverySsh = () => until('killed', () => signal(ssh(), 'SIGKILL') > 0);
const requireProof = () => world.autopod(['config', 'set', 'require_proof', 'true']);
const secretOf = async () => (await world.pods()).find(({ id }) => id === podId)?.env?.AUTOPOD_POD_SECRET;

/** A world whose one pod runs; no tunnel stands yet. */
async function begin(timings: object = {}): Promise<void> {
  world = await startWorld();
  world.env.AUTOPOD_KEEPER_TIMINGS = JSON.stringify({ holdMs: 500, ...timings });
  keeper = keeperClient(describeHome(world.home), world.env);
  const { code, stderr } = await world.autopod(['up', '--no-tunnel']);
  expect(code, stderr).toBe(0);
  podId = (await world.podIds())[0] ?? '';
}

describe('a pod that proves to be the one of its launch', () => {
  it('is told as proven by up, tunnel --status and info; its secret is only in the environment of the pod', async () => {
    await begin();
    const outputs = [];
    for (const args of [
      ['up', '--local-port', 'auto', '--json'],
      ['up', '-v'],
      ['tunnel', '--status', '--json'],
      ['tunnel', '--status'],
      ['info', '--json'],
      ['info'],
      ['ls', '--json'],
      ['history', '--json'],
      ['logs', '--system'],
      ['doctor', '--json'],
      ['ssh-config'],
      ['connect', '--no-tunnel', '--dry-run', '--json'],
    ])
      outputs.push(await world.autopod(args, { AUTOPOD_DEBUG: '1' }));
    expect(JSON.parse(outputs[0]?.stdout ?? '')).toMatchObject({ proof: 'proven', watchedBy: 'session' });
    expect(outputs[3]?.stdout).toMatch(/Proof:? +proven/);
    expect(outputs[5]?.stdout).toMatch(/Proof:? +proven/);
    const secret = await secretOf();
    expect(secret).toMatch(/^[0-9a-f]{64}$/);
    const processes = world
      .processes()
      .flatMap((pid) => [commandLine(pid), readFileSync(`/proc/${pid}/environ`, 'utf8')]);
    const files = readdirSync(world.home, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));
    const told = [...outputs.flatMap(({ stdout, stderr }) => [stdout, stderr]), ...processes, ...files];
    expect(files.length).toBeGreaterThan(4);
    for (const one of told) expect(one).not.toContain(secret);
  });

  it('has another secret than the next launch, and the same after a restart', async () => {
    await begin();
    const secret = await secretOf();
    await world.autopod(['connect', '--no-tunnel', '--name', 'second']);
    expect(new Set((await world.pods()).map(({ env }) => env?.AUTOPOD_POD_SECRET)).size).toBe(2);
    const restarted = await world.autopod(['restart', podId]);
    expect(restarted.code, restarted.stderr).toBe(0);
    expect(await secretOf()).toBe(secret);
    await up(podId);
    await isStanding('proven', 'session');
  });

  it('is proven by the ssh that stands by, too, before it can take over', async () => {
    await begin({ standbyAfterMs: 50 });
    await up();
    const { sshPid } = await until('a standby', async () => {
      const now = await view();
      return now.standbyPid ? now : undefined;
    });
    signal(sshPid, 'SIGKILL');
    await until('it takes over', async () => (await view()).sshPid !== sshPid);
    await isStanding('proven', 'session');
  });

  it('goes on as proven with the ssh that a killed keeper left', async () => {
    await begin();
    await up();
    const { sshPid } = await view();
    signal(world.keeperPids(), 'SIGKILL');
    await until('another keeper', async () => (await view())?.state === 'healthy', LATE_MS);
    expect(await view()).toMatchObject({ sshPid, proof: 'proven', watchedBy: 'session' });
  });

  it('talks first, as a login shell that greets: proven all the same', async () => {
    await begin();
    await control('shell', { manner: 'talking' });
    expect((await up()).code).toBe(0);
    expect(await view()).toMatchObject({ proof: 'proven', watchedBy: 'session' });
  });

  it('is proven to a keeper that starts anew and finds no ssh: RunPod tells the secret', async () => {
    await begin();
    await up();
    signal([...world.keeperPids(), ...ssh()], 'SIGKILL');
    await world.autopod(['tunnel', '--status']);
    await isStanding('proven', 'session');
  });
});

describe('somebody else', () => {
  it('somebody else at the pod’s address is told as such: up fails, and nothing is sent there', async () => {
    await begin();
    await world.autopod(['connect', '--no-tunnel', '--name', 'other']);
    const other = (await world.podIds()).find((id) => id !== podId) ?? '';
    const { port } = (await sshdOf(other)) as { port: number };
    await control('ssh-endpoint', { host: '127.0.0.1', port });
    const asked = await comfyRequests(other);
    const { code, stderr } = await up(podId);
    expect(code).toBe(1);
    expect(stderr).toMatch(/did not prove to be pod/);
    expect(stderr).toContain(`127.0.0.1:${port}`);
    expect(await view()).toMatchObject({ state: 'failed', failure: { code: 'podUnproven' } });
    expect(await comfyRequests(other)).toBe(asked);
    const shell = await world.autopod(['ssh', podId, '-c', 'hostname']);
    expect([shell.code, shell.stdout]).toEqual([1, '']);
    expect(shell.stderr).toMatch(/did not prove/);
    expect((await world.autopod(['ssh-config'])).stdout).not.toContain(`Port ${port}`);
  });

  it.each([
    ['without the secret', { AUTOPOD_POD_SECRET: '' }, /does not have the secret/],
    ['with another secret', { AUTOPOD_POD_SECRET: '1'.repeat(64) }, /is wrong/],
  ])(
    '%s, met when ssh has died: the tunnel is failed, and heals when the pod is back',
    async (_, env, why) => {
      await begin({ standbyAfterMs: 3_600_000 });
      await up();
      const secret = await secretOf();
      await control('env', env);
      await killEverySsh();
      await isState('failed');
      const { failure } = await view();
      expect([failure?.code, failure?.detail.detail]).toEqual(['podUnproven', expect.stringMatching(why)]);
      const { stdout } = await world.autopod(['tunnel', '--status']);
      expect(stdout).toMatch(why);
      expect(await statusAt((await view()).localPort).catch(() => 503)).toBe(503);
      await control('env', { AUTOPOD_POD_SECRET: secret });
      expect((await world.autopod(['tunnel'])).code).toBe(0);
      expect(await view()).toMatchObject({ proof: 'proven' });
    },
  );

  it('who answers wrongly only after a while is found out, and silence is no excuse from then on', async () => {
    await begin({ shellSilentMs: 600, standbyAfterMs: 3_600_000 });
    await control('env', { AUTOPOD_POD_SECRET: '1'.repeat(64) });
    await control('shell', { delayMs: 2_000 });
    await world.autopod(['tunnel', '--local-port', 'auto']);
    await isState('failed');
    expect((await view()).failure?.code).toBe('podUnproven');
    await control('shell', { manner: 'hanging' });
    expect((await world.autopod(['tunnel'])).code).toBe(1);
    expect((await view()).failure?.detail.detail).toMatch(/wrong answer before/);
  });
});

describe('a pod whose login shell does not answer', () => {
  it.each(['hanging', 'forced'])('%s: healthy by HTTP, and told as not proven', async (manner) => {
    await begin({ shellSilentMs: 600 });
    await control('shell', { manner });
    const { code, stderr } = await up();
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/not proven.*login shell does not answer|login shell does not answer/s);
    expect(await view()).toMatchObject({ state: 'healthy', proof: 'unproven', watchedBy: 'http' });
    const status = await world.autopod(['tunnel', '--status']);
    expect(status.stdout.replaceAll(/[│\s]+/g, ' ')).toMatch(
      /not proven: the pod's login shell does not answer; watched by HTTP/,
    );
    const info = JSON.parse((await world.autopod(['info', '--json'])).stdout);
    expect(info.tunnel).toMatchObject({ proof: 'unproven', watchedBy: 'http' });
    expect(await statusAt((await view()).localPort)).toBe(200);
  });

  it('stays proven in this boot once it has been, and heals without waiting for the shell', async () => {
    await begin({ shellSilentMs: 600, standbyAfterMs: 3_600_000 });
    await up();
    await control('shell', { manner: 'hanging' });
    const { sshPid } = await view();
    await killEverySsh();
    expect(await statusAt((await view()).localPort)).toBe(200);
    await isStanding('proven', 'http');
    expect((await view()).sshPid).not.toBe(sshPid);
  });

  it('an ssh that dies under it is noticed, and a ComfyUI that ends is not taken for a dead path', async () => {
    await begin({ shellSilentMs: 600, standbyAfterMs: 3_600_000, comfyDownMs: 100, comfyAnsweringMs: 100 });
    await control('shell', { manner: 'hanging' });
    await up();
    const { sshPid, since } = await view();
    await control('comfy', { state: 'down' });
    await until('down', async () => (await view()).comfy === 'down');
    await until('asked several times', async () => Date.now() - Date.parse(since) > 5_000);
    expect(await view()).toMatchObject({ state: 'healthy', sshPid, since });
    await control('comfy', { state: 'up' });
    await killEverySsh();
    await until('another ssh', async () => {
      const now = await view();
      return now.state === 'healthy' && now.sshPid !== sshPid;
    });
    expect((await view()).lastDeath?.failure.detail.detail).toBe('ssh ended');
  });

  it('only slow: proven as soon as it has answered', async () => {
    await begin({ shellSilentMs: 600 });
    await control('shell', { delayMs: 2_500 });
    expect((await up()).code).toBe(0);
    await isStanding('proven', 'session');
  });

  it('where a proof is required: refused, also when it hangs', async () => {
    await begin({ shellSilentMs: 600 });
    expect((await requireProof()).code).toBe(0);
    await control('shell', { manner: 'hanging' });
    const { code, stderr } = await up();
    expect(code).toBe(1);
    expect(stderr).toMatch(/did not prove to be pod.*login shell does not answer/s);
    await control('shell', { manner: 'plain' });
    expect((await up()).code).toBe(0);
    await isStanding('proven', 'session');
  });

  it('where a proof is required, a pod that was proven is tried until it answers again', async () => {
    await begin({ shellSilentMs: 600, standbyAfterMs: 3_600_000 });
    await requireProof();
    await up();
    await control('shell', { manner: 'hanging' });
    await killEverySsh();
    await until('tried again', async () => ((await view()).attempt ?? 0) > 1);
    expect((await view()).state).not.toBe('failed');
    await control('shell', { manner: 'plain' });
    await isStanding('proven', 'session');
  });
});

describe('a pod that was given nothing to prove itself with', () => {
  it('works as any, and is told as such, with a shell that answers and with one that does not', async () => {
    await begin({ shellSilentMs: 600, standbyAfterMs: 3_600_000 });
    const { controlUrl, url } = world.simulator;
    const [pod] = await world.pods();
    const { AUTOPOD_POD_SECRET: _, ...env } = pod?.env ?? {};
    const changed = await fetch(`${url}/pods/${podId}`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json', authorization: 'Bearer sim-key' },
      body: JSON.stringify({ env }),
    });
    expect([changed.status, controlUrl]).toEqual([200, controlUrl]);
    await requireProof();
    expect((await up()).code).toBe(0);
    expect(await view()).toMatchObject({ proof: 'none', watchedBy: 'session' });
    await control('shell', { manner: 'hanging' });
    await killEverySsh();
    await isStanding('none', 'http');
  });
});

interface PodState {
  id: string;
  sim: { sshd: object };
}

async function sshdOf(id: string): Promise<object | undefined> {
  const state = (await (await fetch(`${world.simulator.controlUrl}/state`)).json()) as { pods: PodState[] };
  return state.pods.find((pod) => pod.id === id)?.sim.sshd;
}

/** How many connections a pod's ComfyUI has had. */
async function comfyRequests(id: string): Promise<number> {
  const state = (await (await fetch(`${world.simulator.controlUrl}/state`)).json()) as {
    pods: { id: string; sim: { comfyui: { connections: number } } }[];
  };
  return state.pods.find((pod) => pod.id === id)?.sim.comfyui.connections ?? -1;
}
