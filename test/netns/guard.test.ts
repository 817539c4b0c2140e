import { existsSync, readFileSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { paced } from '../support/pace.ts';
import { until } from '../support/until.ts';
import { CAN_NETNS } from './pod-host.ts';
import { startTunnelWorld, type TunnelWorld } from './tunnel-world.ts';

/** The guard's own program behind OpenSSH's own sshd, with the simulator's API in reach. Needs root, iproute2 and util-linux. */
describe.runIf(CAN_NETNS)('a guard in a network namespace', () => {
  let net: TunnelWorld;
  let folder: string;
  beforeAll(async () => {
    net = await startTunnelWorld({ autoStopLookMs: 500, guardLookMs: 500, guardLeadMs: 1_000 });
    folder = `/dev/shm/autopod-guard-${net.podId}`;
    await net.pod.reach(Number(new URL(net.world.simulator.url).port));
    const secret = (await net.world.pods())[0]?.env?.AUTOPOD_POD_SECRET ?? '';
    net.pod.environment({
      AUTOPOD_POD_SECRET: secret,
      RUNPOD_POD_ID: net.podId,
      RUNPOD_API_KEY: net.world.env.RUNPOD_API_KEY ?? '',
    });
    await net.movePod();
    await until('there', async () => (await net.view()).address?.port === net.pod.port);
    await net.isState('healthy');
  });
  afterAll(async () => {
    await net.end();
    rmSync(folder, { recursive: true, force: true });
  });

  const status = (name: string) => {
    const file = `${folder}/status`;
    const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
    return new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1];
  };

  it('is armed over the tunnel’s own connection, obeys extend, and stops the pod though this machine and, for a while, the network are gone', async () => {
    const { world, pod } = net;
    const planned = await world.autopod(['tunnel', '--stop-after', '1h']);
    expect(planned.stderr.replaceAll(/\s+/g, ' ')).toContain('guard armed in the pod');
    const before = Number(status('deadline'));
    await world.autopod(['extend', '1h']);
    expect(Number(status('deadline')) - before).toBeGreaterThan(3_500);
    expect([status('state'), status('use')]).toEqual(['armed', '']);
    expect((await world.autopod(['tunnel', '--stop-after', paced(8)])).code).toBe(0);
    const dueAt = Date.now() + 8_000;
    await world.killAll();
    pod.cable('down');
    await until('it asks in vain', () => status('code') === '000' && status('state') === 'due', 30_000);
    expect((await net.world.pods())[0]?.status).toBe('RUNNING');
    pod.cable('up');
    await until('the pod has stopped', async () => (await world.pods())[0]?.status === 'EXITED', 60_000);
    expect(Date.now() - dueAt).toBeGreaterThan(-1_000);
    expect(status('why')).toBe('its time was up');
  });
});
