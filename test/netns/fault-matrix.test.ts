import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { pace } from '../support/pace.ts';
import { signal } from '../support/processes.ts';
import { sample } from '../support/sample.ts';
import { until } from '../support/until.ts';
import { leftRunning, type TestWorld } from '../support/world.ts';
import { type Fault, faultsOf } from './faults.ts';
import { CAN_NETNS, type PodHost } from './pod-host.ts';
import { type Probes, probe, probeKept } from './prober.ts';
import { startTunnelWorld, type TunnelWorld } from './tunnel-world.ts';

/** OpenSSH's own sshd across a network of its own, and its cable pulled. Needs root and iproute2. */
describe.runIf(CAN_NETNS)('a tunnel to OpenSSH’s sshd in a network namespace', () => {
  let net: TunnelWorld;
  let world: TestWorld;
  let pod: PodHost;
  const view = () => net.view();
  const isState = (state: string, withinMs?: number) => net.isState(state, withinMs);

  beforeAll(async () => {
    net = await startTunnelWorld();
    ({ world, pod } = net);
  });
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') {
      process.stdout.write(`${JSON.stringify(await view(), null, 1)}\n`);
      process.stdout.write(readFileSync(join(world.home, 'logs', 'autopod.log'), 'utf8'));
    }
    await isState('healthy', 30_000);
    await until(
      'the ssh in use, the one that stands by and their sessions are left, and no zombie',
      async () => {
        const { sshPid, standbyPid, watchedBy } = await view();
        const isHung = watchedBy === 'http';
        const isRight = String(net.connections().toSorted()) === String([sshPid, standbyPid].toSorted());
        // Of a shell that hangs there may be more sessions, all waiting.
        return isRight && (isHung || net.sshProcesses().length === 4);
      },
    );
  });
  afterAll(async () => {
    await world.autopod(['kill', '-y']);
    expect(await leftRunning(world)).toEqual([]);
    await net.end();
  });

  /** Breaks, mends after a while, and measures as a user with an impatient browser would. */
  async function measured(breakIt: () => unknown, mend: () => unknown, goneMs: number) {
    const over = new AbortController();
    const probes = probe(net.port, 50, over.signal);
    const kept = probeKept(net.port, 50, over.signal);
    await until('answers before the fault', () => probes.answered > 2 && kept.answered > 2);
    const { lastDeath } = await view();
    const broken = performance.now();
    await breakIt();
    await until(
      'noticed',
      async () => {
        const now = await view();
        return now.state !== 'healthy' || now.lastDeath?.at !== lastDeath?.at;
      },
      30_000,
    );
    const noticedMs = performance.now() - broken;
    await sleep(Math.max(0, goneMs - (performance.now() - broken)));
    const mended = performance.now();
    await mend();
    await until('answers after it', () => probes.lastAnswerAt > mended, 40_000);
    const healedMs = probes.lastAnswerAt - mended;
    await until('no request is left waiting', () => probes.answered > 5);
    const keptBefore = kept.answered;
    await until('the kept connection goes on', () => kept.answered > keptBefore);
    over.abort();
    return { noticedMs, healedMs, ...probes, keptFailures: kept.failures };
  }

  const itHeals = (title: string, fault: Fault, ready: () => Promise<unknown> = async () => undefined) => {
    const { breakIt, mend, goneMs, noticedWithinMs, healedWithinMs, isPossible = true } = fault;
    it.runIf(isPossible)(
      `${title}: noticed, healed, and no request refused, also on a connection that is kept`,
      async () => {
        await ready();
        const result = await measured(breakIt, mend, goneMs);
        report(title, result);
        expect(result.refused).toBe(0);
        expect(result.keptFailures).toEqual([]);
        expect(result.noticedMs).toBeLessThan(noticedWithinMs * pace());
        expect(result.healedMs).toBeLessThan(healedWithinMs * pace());
      },
    );
  };
  const faults = faultsOf(() => net);
  const portals = faults.filter(({ title }) => title.includes('portal'));
  const others = faults.filter((fault) => !portals.includes(fault));
  for (const fault of [...others, ...sample(1, portals)]) itHeals(fault.title, fault);

  describe('where root’s login shell hangs', () => {
    afterAll(() => net.loginShell('answers'));
    const hung = ['every ssh killed, the one that stands by, too', 'network swallows packets for 8 s'];
    for (const fault of sample(
      1,
      faults.filter(({ title }) => hung.includes(title)),
    ))
      itHeals(`a login shell that hangs, and ${fault.title}`, fault, () => net.loginShell('hangs'));
  });

  it('a WebSocket survives an outage of 4 s', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${net.port}/ws`);
    await once(socket, 'open');
    pod.cable('swallowing');
    socket.send('sent while the network was gone');
    await sleep(4_000);
    pod.cable('up');
    const [message] = await once(socket, 'message');
    expect(String(message)).toBe('sent while the network was gone');
    socket.close();
    await isState('healthy');
  });

  it('a keeper that slept asks the path afresh and goes on with an ssh that was there', async () => {
    const { sshPid, standbyPid, lastHealedAt } = await view();
    const [keeperPid = 0] = world.keeperPids();
    expect(signal(keeperPid, 'SIGSTOP')).toBe(1);
    await sleep(6_000);
    signal(keeperPid, 'SIGCONT');
    await until('healed', async () => (await view()).lastHealedAt !== lastHealedAt);
    const after = await view();
    expect(after.lastDeath?.failure.detail.detail).toMatch(/slept/);
    expect([sshPid, standbyPid]).toContain(after.sshPid);
  });

  it('a shell opens through the tunnel’s own connection, without a login and without RunPod', async () => {
    pod.authorize('');
    const run = await world.autopod(['ssh', '-c', 'echo through; exit 7'], {
      AUTOPOD_API_URL: 'http://127.0.0.1:9',
    });
    pod.authorize(readFileSync(join(world.home, 'id_test.pub'), 'utf8').trim());
    expect([run.code, run.stdout, run.stderr]).toEqual([7, 'through\n', '']);
  });

  it('scp finds the pod by the generated configuration', async () => {
    const { stdout, code } = await world.autopod(['ssh-config']);
    expect([code, stdout]).toEqual([0, expect.stringContaining(`Host autopod-${net.podId} autopod`)]);
    const copy = join(world.home, 'copied');
    execFileSync('scp', ['-F', join(world.home, 'ssh_config'), '-q', 'autopod:/etc/hostname', copy]);
    expect(readFileSync(copy, 'utf8')).toBe(readFileSync('/etc/hostname', 'utf8'));
  });

  it('ssh-config --install adds one line to the user’s file, and --uninstall takes it out', async () => {
    const userConfig = join(world.home, '.ssh', 'config');
    mkdirSync(join(world.home, '.ssh'), { recursive: true });
    writeFileSync(userConfig, 'Host other\n  User me\n');
    for (let time = 0; time < 2; time++) await world.autopod(['ssh-config', '--install']);
    expect(readFileSync(userConfig, 'utf8')).toBe(
      `Include "${join(world.home, 'ssh_config')}"\nHost other\n  User me\n`,
    );
    const port = execFileSync('ssh', ['-F', userConfig, '-G', 'autopod'], { encoding: 'utf8' });
    expect(port).toMatch(new RegExp(`^port ${pod.port}$`, 'm'));
    await world.autopod(['ssh-config', '--uninstall']);
    expect(readFileSync(userConfig, 'utf8')).toBe('Host other\n  User me\n');
  });

  it('history tells the faults with times, reasons and where it healed', async () => {
    const { stdout } = await world.autopod(['history', net.podId]);
    expect(stdout).toMatch(/\d\d:\d\d:\d\d {2}tunnel {2}disconnected: no answer for 2 s/);
    expect(stdout).toMatch(/tunnel {2}healthy again after [\d.]+ s at 10\.\S+:\d+/);
  });

  it('ComfyUI down while ssh is up is a state of its own', async () => {
    await pod.comfy('down');
    await until('ComfyUI down', async () => (await view()).comfy === 'down', 30_000);
    expect((await view()).state).toBe('healthy');
    await pod.comfy('up');
    await until('ComfyUI answering', async () => (await view()).comfy === 'answering', 30_000);
  });

  it('a host key that changes without a restart is not trusted', async () => {
    await pod.changeHostKey();
    await isState('failed', 30_000);
    expect((await view()).failure?.code).toBe('sshHostKeyChanged');
    await net.movePod();
    expect((await world.autopod(['tunnel'])).code).toBe(0);
  });

  it('a key the pod no longer takes fails and says so', async () => {
    const keys = readFileSync(join(world.home, 'id_test.pub'), 'utf8').trim();
    pod.authorize('');
    signal(net.connections(), 'SIGKILL');
    // Just after a boot the keys may not be written yet, so it goes on trying.
    await until('refused', async () => (await view()).failure?.code === 'sshKeyRefused', 120_000);
    pod.authorize(keys);
    await net.keeper.retry(net.podId);
  });
});

function report(
  title: string,
  { noticedMs, healedMs, answered, refused, cut }: Probes & { noticedMs: number; healedMs: number },
) {
  const row = [
    title.padEnd(50),
    `noticed ${Math.round(noticedMs)} ms`,
    `healed ${Math.round(healedMs)} ms`,
    `${answered} answered, ${refused} refused, ${cut} cut`,
  ];
  process.stdout.write(`${row.join('  ')}\n`);
}
