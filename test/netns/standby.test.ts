import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { TunnelView } from '../../src/keeper/client.ts';
import { signal } from '../support/processes.ts';
import { statusAt } from '../support/status-at.ts';
import { until } from '../support/until.ts';
import { leftRunning } from '../support/world.ts';
import { CAN_NETNS } from './pod-host.ts';
import { startTunnelWorld, type TunnelWorld } from './tunnel-world.ts';

describe.runIf(CAN_NETNS)('the ssh that stands by', () => {
  let net: TunnelWorld;
  let before: TunnelView;

  const standsBy = () =>
    until('a standby', async () => {
      const now = await net.view();
      return now.state === 'healthy' && now.standbyPid ? now : undefined;
    });
  const answers = async () => (await statusAt(net.port)) === 200;
  const healed = () =>
    until('healed', async () => {
      const now = await net.view();
      return now.state === 'healthy' && now.lastHealedAt !== before.lastHealedAt ? now : undefined;
    });

  beforeAll(async () => {
    net = await startTunnelWorld();
  });
  beforeEach(async () => {
    before = await standsBy();
  });
  afterAll(() => net.end());

  it('takes over when the one in use is killed, and another stands by from then on', async () => {
    expect(signal(before.sshPid, 'SIGKILL')).toBe(1);
    expect(await answers()).toBe(true);
    const after = await standsBy();
    expect(after.sshPid).toBe(before.standbyPid);
    expect(after.standbyPid).not.toBe(before.standbyPid);
    expect(net.connections().toSorted()).toEqual([after.sshPid, after.standbyPid].toSorted());
  });

  it('has sent nothing into an outage, and takes over when it ends', async () => {
    net.pod.cable('swallowing');
    await sleep(6_000);
    const ended = Date.now();
    net.pod.cable('up');
    expect((await healed()).sshPid).toBe(before.standbyPid);
    expect(Date.now() - ended).toBeLessThan(5_000);
  });

  it('is replaced when it is killed itself, while the tunnel stays healthy', async () => {
    expect(signal(before.standbyPid, 'SIGKILL')).toBe(1);
    const after = await until('another standby', async () => {
      const now = await net.view();
      return now.standbyPid && now.standbyPid !== before.standbyPid ? now : undefined;
    });
    expect([after.state, after.sshPid, after.since]).toEqual(['healthy', before.sshPid, before.since]);
  });

  it('is told by tunnel --status', async () => {
    const { stdout } = await net.world.autopod(['tunnel', '--status']);
    expect(stdout).toContain(`pid ${before.sshPid}; pid ${before.standbyPid} stands by`);
  });

  it('does not stand in the way when both are killed', async () => {
    expect(signal(net.connections(), 'SIGKILL')).toBeGreaterThanOrEqual(2);
    expect(await answers()).toBe(true);
    expect([before.sshPid, before.standbyPid]).not.toContain((await healed()).sshPid);
  });

  it('when it is stuck itself, the next ssh is opened beside it', async () => {
    expect(signal(before.standbyPid, 'SIGSTOP')).toBe(1);
    expect(signal(before.sshPid, 'SIGKILL')).toBe(1);
    expect(await answers()).toBe(true);
    const after = await standsBy();
    expect(net.connections().toSorted()).toEqual([after.sshPid, after.standbyPid].toSorted());
  });

  it('of a killed keeper is ended by the next one, which keeps the ssh in use and opens another', async () => {
    expect(signal(net.world.keeperPids(), 'SIGKILL')).toBe(1);
    await until('answers again', () => answers().catch(() => false));
    const after = await standsBy();
    expect(after.sshPid).toBe(before.sshPid);
    expect(after.standbyPid).not.toBe(before.standbyPid);
    await until('the old one has ended', () => !net.connections().includes(before.standbyPid ?? 0));
  });

  it('is not left behind by a keeper that is killed while it shakes hands', async () => {
    expect(signal(before.standbyPid, 'SIGKILL')).toBe(1);
    const opening = await until('another one begins', () =>
      net.connections().find((pid) => pid !== before.sshPid && pid !== before.standbyPid),
    );
    expect(signal(net.world.keeperPids(), 'SIGKILL')).toBe(1);
    await until('answers again', () => answers().catch(() => false));
    const after = await standsBy();
    expect(after.sshPid).toBe(before.sshPid);
    expect(after.standbyPid).not.toBe(opening);
    await until('the half-open one has ended', () => net.connections().length === 2);
  });

  it('is gone when the pod does not run', async () => {
    await net.control('exit');
    await net.pod.sshd('killed');
    await net.isState('waitingForPod');
    await until('none is told', async () => (await net.view()).standbyPid === undefined);
    await net.pod.sshd('up');
    expect((await net.world.autopod(['start', '--no-wait'])).code).toBe(0);
    await net.movePod();
    await net.isState('healthy', 30_000);
  });

  it('is of the pod as it is after a restart', async () => {
    await net.movePod();
    await healed();
    const after = await standsBy();
    expect(net.connections()).not.toContain(before.standbyPid);
    expect(signal(after.sshPid, 'SIGKILL')).toBe(1);
    expect(await answers()).toBe(true);
  });

  it('ends with the tunnel', async () => {
    expect((await net.world.autopod(['tunnel', '--stop'])).code).toBe(0);
    expect(await leftRunning(net.world)).toEqual([]);
  });
});
