import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type KeeperClient, keeperClient, type TunnelView } from '../../src/keeper/client.ts';
import type { KeeperTimings } from '../../src/keeper/timings.ts';
import { describeHome } from '../../src/store/home.ts';
import { commandLine, procFile, signal } from '../support/processes.ts';
import { until } from '../support/until.ts';
import { startWorld, type TestWorld } from '../support/world.ts';
import { type PodHost, startPodHost } from './pod-host.ts';

/** A pod whose sshd is OpenSSH's own in a network namespace, and a tunnel to it. */
export interface TunnelWorld {
  world: TestWorld;
  pod: PodHost;
  podId: string;
  keeper: KeeperClient;
  /** Local port of the tunnel. */
  port: number;
  view(): Promise<TunnelView>;
  isState(state: string, withinMs?: number): Promise<unknown>;
  /** An action of the simulator on the pod. */
  control(action: string, body?: object): Promise<unknown>;
  /** As after a restart at RunPod: another port, another host key, told by the API. */
  movePod(): Promise<void>;
  /** Has root's login shell hang, or not, and every ssh be made anew and healthy with that. */
  loginShell(does: 'hangs' | 'answers'): Promise<void>;
  signalSsh(signal: NodeJS.Signals): Promise<void>;
  /** The command lines of this home's ssh processes: connections, heartbeats, shells. A zombie is in it, empty. */
  sshProcesses(): string[];
  /** Process ids of this home's ssh connections, in use, standing by or draining. */
  connections(): number[];
  end(): Promise<void>;
}

export async function startTunnelWorld(timings: Partial<KeeperTimings> = {}): Promise<TunnelWorld> {
  const world = await startWorld();
  world.env.AUTOPOD_KEEPER_TIMINGS = JSON.stringify({ keyGraceMs: 5_000, ...timings });
  const pod = await startPodHost();
  pod.authorize(readFileSync(join(world.home, 'id_test.pub'), 'utf8').trim());
  mustBeZero(await world.autopod(['up', '--no-tunnel']));
  const [podId = ''] = await world.podIds();
  const control: TunnelWorld['control'] = (action, body) =>
    fetch(`${world.simulator.controlUrl}/pods/${podId}/${action}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    });
  const pointTo = () => control('ssh-endpoint', { host: pod.host, port: pod.port });
  const secret = (await world.pods()).find(({ id }) => id === podId)?.env?.AUTOPOD_POD_SECRET ?? '';
  pod.environment({ AUTOPOD_POD_SECRET: secret });
  await pod.move();
  // A boot of its own: the simulator's sshd had another host key.
  await control('restart');
  await pointTo();
  const keeper = keeperClient(describeHome(world.home), world.env);
  const view = async () => (await keeper.tunnels())[0] as TunnelView;
  // While a pod restarts RunPod may say for a moment that it is stopped; then the command ends before the tunnel stands.
  await world.autopod(['tunnel', '--local-port', 'auto']);
  await until('a healthy tunnel', async () => (await view())?.state === 'healthy');
  const connections = () => world.processes().filter((pid) => commandLine(pid).startsWith('ssh -N'));
  return {
    world,
    pod,
    podId,
    keeper,
    port: (await view()).localPort,
    view,
    isState: (state, withinMs = 20_000) => until(state, async () => (await view()).state === state, withinMs),
    control,
    movePod: async () => {
      await control('restart');
      await pod.move();
      await pointTo();
    },
    loginShell: async (does) => {
      const watchedBy = does === 'hangs' ? 'http' : 'session';
      if ((await view()).watchedBy === watchedBy) return;
      pod.startUpFile(does === 'hangs' ? 'sleep 600' : undefined);
      signal(connections(), 'SIGKILL');
      const isSo = (now: TunnelView) => now.state === 'healthy' && now.watchedBy === watchedBy;
      await until(
        `every ssh anew, its shell ${does}`,
        async () => isSo(await view()) && (await view()).standbyPid,
        60_000,
      );
    },
    signalSsh: async (what) => {
      await until('an ssh to signal', async () => signal((await view()).sshPid, what) === 1);
    },
    sshProcesses: () => [
      ...world
        .processes()
        .map(commandLine)
        .filter((line) => line.startsWith('ssh ')),
      ...zombiesOf(world.keeperPids()),
    ],
    connections,
    end: async () => {
      await world.end();
      await pod.end();
    },
  };
}

/** An empty command line for each child of these that ended and was not waited for. */
function zombiesOf(parents: number[]): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => /^\d+ \(.*\) Z (\d+)/.exec(procFile(pid, 'stat'))?.[1])
    .filter((parent) => parents.includes(Number(parent)))
    .map(() => '');
}

function mustBeZero({ code, stderr }: { code: number | null; stderr: string }): void {
  if (code !== 0) throw new Error(`exit code ${code}: ${stderr}`);
}
