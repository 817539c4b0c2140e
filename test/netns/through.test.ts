import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { workOn } from '../../src/keeper/other-work.ts';
import { sample } from '../support/sample.ts';
import { until } from '../support/until.ts';
import { leftRunning } from '../support/world.ts';
import { CAN_DROP_FLOWS, CAN_NETNS } from './pod-host.ts';
import { startTunnelWorld, type TunnelWorld } from './tunnel-world.ts';

const MEGABYTE = 1_000_000;

/** What goes through a tunnel to OpenSSH's sshd, and what it does to the tunnel. Needs root and iproute2. */
describe.runIf(CAN_NETNS)('through a tunnel to OpenSSH’s sshd', () => {
  let net: TunnelWorld;
  beforeAll(async () => {
    net = await startTunnelWorld();
  });
  afterAll(async () => {
    await net.world.autopod(['kill', '-y']);
    expect(await leftRunning(net.world)).toEqual([]);
    await net.end();
  });

  it('300 connections at once are all answered', async () => {
    const answers = await Promise.all(
      Array.from({ length: 300 }, () => ask({ port: net.port, agent: false, path: '/system_stats' })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(300);
  });

  it('an upload of a gigabyte arrives whole, and the keeper does not keep it', async () => {
    const [keeper = 0] = net.world.keeperPids();
    const before = residentMegabytes(keeper);
    const { body } = await ask({ port: net.port, agent: false, path: '/upload', method: 'POST' }, 1024);
    expect(JSON.parse(body).taken).toBe(1024 * MEGABYTE);
    expect(residentMegabytes(keeper) - before).toBeLessThan(200);
    expect((await net.view()).lastDeath).toBeUndefined();
  });

  it('a healthy tunnel costs no call of the API', async () => {
    const calls = async () =>
      ((await (await fetch(`${net.world.simulator.controlUrl}/requests`)).json()) as { requests: unknown[] })
        .requests.length;
    const before = await calls();
    for (let second = 0; second < 4; second++) {
      await ask({ port: net.port, agent: false, path: '/system_stats' });
      await sleep(1_000);
    }
    expect(await calls()).toBe(before);
  });

  // Before the slow lines: after them TCP waits longer before it repeats, and an outage is noticed later.
  it('a shell lives through an outage of some seconds, although another ssh has taken over', async () => {
    const { sshPid } = await net.view();
    const shell = net.world.start(['ssh', '-c', 'sleep 9; echo lived; exit 7']);
    await until('the shell', () => net.sshProcesses().some((line) => line.includes('echo lived')));
    net.pod.cable('swallowing');
    await sleep(4_000);
    await until('the outage is noticed', async () => (await net.view()).state !== 'healthy');
    net.pod.cable('up');
    await until('another ssh', async () => {
      const now = await net.view();
      return now.state === 'healthy' && now.sshPid !== sshPid;
    });
    const { code, stdout } = await shell.ended;
    expect([code, stdout]).toEqual([7, 'lived\n']);
    await until('the replaced ssh ends with its shell', () => !net.connections().includes(sshPid ?? 0));
  });

  it.each(['down', 'up'] as const)(
    'a line of 2 Mbit/s that is full (%s) is slow, not dead',
    async (direction) => {
      const { lastDeath } = await net.view();
      net.pod.line(2);
      try {
        if (direction === 'up') {
          const { body } = await ask({ port: net.port, agent: false, path: '/u', method: 'POST' }, 3);
          expect(JSON.parse(body).taken).toBe(3 * MEGABYTE);
        } else {
          const { status } = await ask({ port: net.port, agent: false, path: `/bytes?n=${3 * MEGABYTE}` });
          expect(status).toBe(200);
        }
      } finally {
        net.pod.line(undefined);
      }
      expect((await net.view()).lastDeath).toEqual(lastDeath);
    },
  );

  it.each(sample(1, ['from', 'to'] as const))(
    'a copy by scp %s the pod over a line of 2 Mbit/s is traffic, not silence',
    async (direction) => {
      const [here, there] = [join(net.world.home, 'copied'), join(net.world.home, `on-the-pod-${direction}`)];
      writeFileSync(direction === 'from' ? there : here, Buffer.alloc(3 * MEGABYTE, '.'));
      const { lastDeath } = await net.view();
      net.pod.line(2);
      try {
        const ends = direction === 'from' ? [`autopod:${there}`, here] : [here, `autopod:${there}`];
        const scp = spawn('scp', ['-F', join(net.world.home, 'ssh_config'), '-q', ...ends], {
          stdio: 'ignore',
        });
        expect(await once(scp, 'close')).toEqual([0, null]);
      } finally {
        net.pod.line(undefined);
      }
      expect((await net.view()).lastDeath).toEqual(lastDeath);
    },
  );

  it('a shell with a terminal, and a copy, are work that is seen on a real pod', async () => {
    const work = async () => workOn((await net.view()).controlPath ?? '');
    const config = ['-F', join(net.world.home, 'ssh_config')];
    const shell = spawn('ssh', [...config, '-tt', 'autopod'], { stdio: ['pipe', 'ignore', 'ignore'] });
    await until('a shell is seen', async () => (await work()) === 'a shell is open on it', 40_000);
    shell.kill('SIGTERM');
    await until('it is gone', async () => (await work()) !== 'a shell is open on it', 40_000);
    const here = join(net.world.home, 'to-copy');
    writeFileSync(here, Buffer.alloc(3 * MEGABYTE, '.'));
    net.pod.line(2);
    const to = `autopod:${join(net.world.home, 'seen')}`;
    const scp = spawn('scp', [...config, '-q', here, to], { stdio: 'ignore' });
    try {
      await until('a copy is seen', async () => /copied by scp/.test((await work()) ?? ''), 40_000);
    } finally {
      net.pod.line(undefined);
    }
    expect(await once(scp, 'close')).toEqual([0, null]);
  });

  it.runIf(CAN_DROP_FLOWS)('a connection that is kept alive heals as the others do', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    await ask({ port: net.port, agent, path: '/system_stats' });
    net.pod.dropFlows();
    const begun = performance.now();
    const { status } = await ask({ port: net.port, agent, path: '/system_stats' });
    expect(status).toBe(200);
    expect(performance.now() - begun).toBeLessThan(8_000);
    agent.destroy();
  });

  it('an sshd that forbids forwarding is told as such, and is not tried for ever', async () => {
    net.pod.allowForwarding(false);
    await net.movePod();
    await net.isState('failed', 30_000);
    expect((await net.view()).failure?.code).toBe('sshForwardingForbidden');
    net.pod.allowForwarding(true);
    await net.movePod();
    expect((await net.world.autopod(['tunnel'])).code).toBe(0);
  });
});

/** One request, with so many megabytes to send. */
function ask(
  options: { port: number; agent: Agent | false; path: string; method?: string },
  megabytes = 0,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', timeout: 100_000, ...options }, (response) => {
      let body = '';
      response.setEncoding('latin1').on('data', (text: string) => {
        if (body.length < 10_000) body += text;
      });
      response.once('end', () => resolve({ status: response.statusCode ?? 0, body }));
      response.once('error', reject);
    });
    asked.once('error', reject);
    const chunk = Buffer.alloc(MEGABYTE);
    const send = (left: number): void => {
      if (left === 0) asked.end();
      else if (asked.write(chunk)) send(left - 1);
      else asked.once('drain', () => send(left - 1));
    };
    send(megabytes);
  });
}

function residentMegabytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}
