import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import WebSocket from 'ws';
import { CAN_DROP_FLOWS } from '../netns/pod-host.ts';
import { type Probes, probe } from '../netns/prober.ts';
import { startTunnelWorld, type TunnelWorld } from '../netns/tunnel-world.ts';
import { seededRandom } from '../support/random.ts';
import { until } from '../support/until.ts';

export interface SoakOptions {
  faults: number;
  seed: number;
  tell: (line: string) => void;
}

export interface SoakResult {
  probes: Probes;
  /** Messages echoed over a WebSocket that is opened again whenever it breaks. */
  echoes: number;
  /** Faults after which the WebSocket had to be opened again. */
  webSocketBreaks: number;
  /** Of the keeper, from after the warm-up to the end; it is not restarted. */
  descriptorGrowth: number;
  residentGrowthMiB: number;
  /** ssh connections in the end. */
  sshLeft: number;
}

/** Requests and a WebSocket through random faults, one after the other, each healed before the next. */
export async function soak({ faults, seed, tell }: SoakOptions): Promise<SoakResult> {
  const net = await startTunnelWorld();
  const random = seededRandom(seed);
  const over = new AbortController();
  try {
    const probes = probe(net.port, 25, over.signal);
    const talk = talker(net.port);
    const [keeperPid = 0] = net.world.keeperPids();
    await warmUp(net, random);
    const before = usage(keeperPid);
    for (let number = 1; number <= faults; number++) {
      const title = await fault(net, random);
      await net.isState('healthy', 40_000);
      const answered = probes.answered;
      await until(`answers after ${title}`, () => probes.answered > answered + 5, 40_000);
      const { refusals } = probes;
      if (refusals.length > 0) tell(refusals.splice(0).join('\n'));
      tell(
        `${number}/${faults} ${title}: ${probes.answered} answered, ${probes.refused} refused, ${probes.cut} cut; ${Math.round(usage(keeperPid).residentMiB)} MiB`,
      );
    }
    talk.end();
    over.abort();
    await until('old connections have drained', () => net.connections().length <= 2, 60_000);
    await until(
      'the keeper’s connections have closed',
      () => usage(keeperPid).descriptors <= before.descriptors + 4,
    );
    const after = usage(keeperPid);
    return {
      probes,
      echoes: talk.echoes,
      webSocketBreaks: talk.breaks,
      descriptorGrowth: after.descriptors - before.descriptors,
      residentGrowthMiB: after.residentMiB - before.residentMiB,
      sshLeft: net.connections().length,
    };
  } finally {
    over.abort();
    await net.end();
  }
}

type Random = () => number;
type Fault = (net: TunnelWorld, random: Random) => Promise<unknown>;

const FAULTS: Record<string, Fault> = {
  'ssh killed': ({ signalSsh }) => signalSsh('SIGKILL'),
  'ssh ended': ({ signalSsh }) => signalSsh('SIGTERM'),
  'ssh stopped': ({ signalSsh }) => signalSsh('SIGSTOP'),
  'packets swallowed': async ({ pod }, random) => {
    pod.cable('swallowing');
    await sleep(200 + random() * 5_000);
    pod.cable('up');
  },
  'link down': async ({ pod }, random) => {
    pod.cable('down');
    await sleep(200 + random() * 4_000);
    pod.cable('up');
  },
  'sshd killed': async ({ pod }, random) => {
    await pod.sshd('killed');
    await sleep(random() * 1_500);
    await pod.sshd('up');
  },
  'sshd frozen': async ({ pod }, random) => {
    await pod.sshd('frozen');
    await sleep(random() * 4_000);
    await pod.sshd('thawed');
  },
  'pod moved': ({ movePod }) => movePod(),
  ...(CAN_DROP_FLOWS && {
    'flow dropped': async ({ pod }) => pod.dropFlows(),
    'flow reset': async ({ pod }) => pod.resetFlows(),
  }),
};

async function fault(net: TunnelWorld, random: Random): Promise<string> {
  const titles = Object.keys(FAULTS);
  const title = titles[Math.floor(random() * titles.length)] as string;
  await FAULTS[title]?.(net, random);
  return title;
}

async function warmUp(net: TunnelWorld, random: Random): Promise<void> {
  await FAULTS['ssh killed']?.(net, random);
  await net.isState('healthy');
  await sleep(3_000);
}

/** Sends a number every 100 ms and counts what comes back; opens another WebSocket when one breaks. */
function talker(port: number) {
  const talk = { echoes: 0, breaks: 0, end };
  let current: WebSocket | undefined;
  function end() {
    const last = current;
    current = undefined;
    last?.terminate();
  }
  const open = () => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`);
    current = socket;
    const beat = setInterval(() => socket.readyState === WebSocket.OPEN && socket.send('.'), 100);
    socket.on('message', () => {
      talk.echoes += 1;
    });
    socket.on('error', () => undefined);
    socket.once('close', () => {
      clearInterval(beat);
      if (!current) return;
      talk.breaks += 1;
      open();
    });
  };
  open();
  return talk;
}

function usage(pid: number): { descriptors: number; residentMiB: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const residentKiB = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
  return { descriptors: readdirSync(`/proc/${pid}/fd`).length, residentMiB: residentKiB / 1024 };
}
