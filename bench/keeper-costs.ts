import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TunnelWorld } from '../test/netns/tunnel-world.ts';
import { until } from '../test/support/until.ts';

const MANY = 20;
const IDLE_MS = 10_000;

/** Memory of the keeper with one tunnel and with many, and the CPU it takes when nothing happens. */
export async function keeperCosts(net: TunnelWorld): Promise<string> {
  const [pid = 0] = net.world.keeperPids();
  const one = await usage(pid);
  await openTunnels(net, MANY - 1);
  const many = await usage(pid);
  return [
    `Keeper with 1 tunnel: ${one.residentMiB.toFixed(0)} MiB resident, ${one.cpuPercent.toFixed(2)} % of a core when idle.`,
    `With ${MANY}: ${many.residentMiB.toFixed(0)} MiB, ${many.cpuPercent.toFixed(2)} %.`,
  ].join('\n');
}

async function usage(pid: number): Promise<{ residentMiB: number; cpuPercent: number }> {
  await sleep(2_000);
  const before = cpuTicks(pid);
  await sleep(IDLE_MS);
  const ticks = cpuTicks(pid) - before;
  const residentKiB = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  // A tick is 10 ms on Linux.
  return { residentMiB: residentKiB / 1024, cpuPercent: (ticks * 10 * 100) / IDLE_MS };
}

function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

/** Pods of the simulator that share the one sshd there is. */
async function openTunnels({ world, pod, keeper }: TunnelWorld, count: number): Promise<void> {
  const { url: apiUrl, controlUrl } = world.simulator;
  for (let number = 1; number <= count; number++) {
    const podId = await createPod(apiUrl, number);
    await fetch(`${controlUrl}/pods/${podId}/ssh-endpoint`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ host: pod.host, port: pod.port }),
    });
    await keeper.open({
      podId,
      localPort: 'auto',
      keyPath: join(world.home, 'id_test'),
      needsAgent: false,
      account: { apiUrl, apiKey: 'sim-key' },
    });
  }
  await until(
    'all are healthy',
    async () => (await keeper.tunnels()).every(({ state }) => state === 'healthy'),
    60_000,
  );
}

async function createPod(apiUrl: string, number: number): Promise<string> {
  const headers = { authorization: 'Bearer sim-key', 'content-type': 'application/json' };
  const body = JSON.stringify({
    name: `bench-${number}`,
    image: 'runpod/comfyui:latest',
    cloud: 'SECURE',
    gpu: { id: 'NVIDIA A40', count: 1 },
    disk: 20,
    ports: ['22/tcp'],
    startSsh: true,
  });
  const answer = await fetch(`${apiUrl}/pods`, { method: 'POST', headers, body });
  const { id } = (await answer.json()) as { id?: string };
  if (!id) throw new Error(`no pod was created: ${answer.status}`);
  return id;
}
