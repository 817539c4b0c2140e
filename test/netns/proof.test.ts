import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { signal } from '../support/processes.ts';
import { sample } from '../support/sample.ts';
import { statusAt } from '../support/status-at.ts';
import { until } from '../support/until.ts';
import { leftRunning } from '../support/world.ts';
import { CAN_NETNS } from './pod-host.ts';
import { startTunnelWorld, type TunnelWorld } from './tunnel-world.ts';

/** OpenSSH's own sshd and real login shells, in a container's process namespace. Needs root, iproute2 and util-linux. */
describe.runIf(CAN_NETNS)('a login shell on the pod', () => {
  let net: TunnelWorld;
  let secret = '';
  beforeAll(async () => {
    net = await startTunnelWorld();
    secret = (await net.world.pods())[0]?.env?.AUTOPOD_POD_SECRET ?? '';
  });
  beforeEach(() => {
    net.pod.startUpFile(undefined);
    net.pod.forcedCommand(undefined);
    net.pod.environment({ AUTOPOD_POD_SECRET: secret });
  });
  afterAll(async () => {
    await net.world.autopod(['kill', '-y']);
    expect(await leftRunning(net.world)).toEqual([]);
    await net.end();
  });

  /** A boot of its own, of which nothing is known. */
  const restarted = async (code = 0) => {
    await net.movePod();
    await until('seen', async () => (await net.view()).state !== 'healthy' || isThere(await net.view()));
    expect((await net.world.autopod(['tunnel'])).code).toBe(code);
  };
  const isThere = ({ address }: { address?: { port: number } }) => address?.port === net.pod.port;
  const stands = (proof: string, watchedBy: string) =>
    until(`${proof} by ${watchedBy}`, async () => {
      const now = await net.view();
      const isRight = now.state === 'healthy' && now.proof === proof && now.watchedBy === watchedBy;
      return isRight && isThere(now) ? now : undefined;
    });

  it('that answers proves the pod', async () => {
    await restarted();
    await stands('proven', 'session');
  });

  it.each(
    sample(2, [
      ['a start-up file that greets', 'echo "Welcome to RunPod"; printf "no line feed"'],
      ['a start-up file that changes to another directory and shell options', 'cd /; set -f; umask 0'],
      ['a start-up file that takes its time', 'sleep 1; echo ready'],
    ]),
  )('with %s proves the pod', async (_, script) => {
    net.pod.startUpFile(script);
    await restarted();
    await stands('proven', 'session');
  });

  it.each(
    sample(3, [
      ['a start-up file that waits', () => net.pod.startUpFile('sleep 600')],
      ['a start-up file that becomes another shell', () => net.pod.startUpFile('exec sh')],
      ['a start-up file that ends', () => net.pod.startUpFile('exit 3')],
      ['a forced command that prints', () => net.pod.forcedCommand('echo "Only forwarding here"')],
      ['a forced command that prints and stays', () => net.pod.forcedCommand('echo no; exec sleep 600')],
      [
        'a forced command that repeats the question',
        () => net.pod.forcedCommand('echo "$SSH_ORIGINAL_COMMAND"'),
      ],
    ]),
  )('with %s does not keep the tunnel from being healthy', async (_, doIt) => {
    doIt();
    await restarted();
    const before = await stands('unproven', 'http');
    expect(await statusAt(net.port)).toBe(200);
    const since = Date.parse(before.since);
    await until('it stays so', async () => Date.now() - since > 4_000);
    expect(await net.view()).toMatchObject({ state: 'healthy', since: before.since });
  });

  it('that waits: a killed ssh, and packets that are swallowed, are noticed and healed', async () => {
    net.pod.startUpFile('sleep 600');
    await restarted();
    const before = await stands('unproven', 'http');
    await until('a standby', async () => (await net.view()).standbyPid);
    signal(net.connections(), 'SIGKILL');
    await until('another ssh', async () => {
      const now = await net.view();
      return now.state === 'healthy' && now.sshPid !== before.sshPid;
    });
    net.pod.cable('swallowing');
    await until('noticed', async () => (await net.view()).state !== 'healthy');
    net.pod.cable('up');
    await stands('unproven', 'http');
    expect((await net.view()).lastDeath?.failure.detail.detail).toMatch(/^no answer for [2-8] s$/);
    expect(await statusAt(net.port)).toBe(200);
  });

  it('that waits, for a ComfyUI that is at work and does not answer: no packet is lost, so the tunnel is healthy', async () => {
    net.pod.startUpFile('sleep 600');
    await restarted();
    const { since } = await stands('unproven', 'http');
    net.pod.freezeComfy(true);
    const begun = Date.now();
    await until('for a while', async () => Date.now() - begun > 8_000);
    net.pod.freezeComfy(false);
    expect(await net.view()).toMatchObject({ state: 'healthy', since });
  });

  it.each(
    sample(1, [
      ['of another launch', { AUTOPOD_POD_SECRET: 'ab'.repeat(32) }, /answer to the challenge is wrong/],
      ['of a pod without the secret', {}, /does not have the secret/],
    ]),
  )('%s is told as somebody else’s, and heals with the pod', async (_, env, why) => {
    net.pod.environment(env);
    await restarted(1);
    expect((await net.view()).failure).toMatchObject({
      code: 'podUnproven',
      detail: { detail: expect.stringMatching(why) },
    });
    net.pod.environment({ AUTOPOD_POD_SECRET: secret });
    await restarted();
    await stands('proven', 'session');
  });
});
