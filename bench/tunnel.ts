import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { CAN_DROP_FLOWS } from '../test/netns/pod-host.ts';
import { probe } from '../test/netns/prober.ts';
import { startTunnelWorld, type TunnelWorld } from '../test/netns/tunnel-world.ts';
import { signal } from '../test/support/processes.ts';
import { until } from '../test/support/until.ts';
import { autopodContender, type Contender, coldConnection, sshContender } from './contenders.ts';
import { keeperCosts } from './keeper-costs.ts';
import { keptConnections } from './kept.ts';
import { markdown, median, repeated, say } from './report.ts';
import { latency, throughput } from './speed.ts';

/**
 * `npm run bench:tunnel [-- --runs 5] [--only healing|kept|speed|costs] [--fault network]`: autopod's tunnel, autossh and bare `ssh -L` to the same OpenSSH sshd in a
 * network namespace, one after the other in one run. Needs root, iproute2, nftables, sshd and autossh.
 */
const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    only: { type: 'string' },
    fault: { type: 'string', default: '' },
  },
});
const RUNS = Number(values.runs);
/** Longer than any of them needs if it comes back at all. */
const NEVER_MS = 25_000;

interface Fault {
  name: string;
  goneMs?: number;
  /** What is to be so from before the first run until after the last one. */
  during?(net: TunnelWorld): Promise<() => Promise<void>>;
  breakIt(net: TunnelWorld, contender: Contender): unknown;
  mend?(net: TunnelWorld): unknown;
  isPossible?: boolean;
}

const FAULTS: Fault[] = [
  { name: 'ssh killed', breakIt: async (_, { sshPids }) => signal(await sshPids(), 'SIGKILL') },
  {
    name: 'every ssh killed',
    breakIt: async (_, { everySshPid }) => signal(await everySshPid(), 'SIGKILL'),
  },
  {
    name: 'a login shell that hangs, and every ssh killed',
    during: async ({ loginShell }) => {
      await loginShell('hangs');
      return () => loginShell('answers');
    },
    breakIt: async (_, { everySshPid }) => signal(await everySshPid(), 'SIGKILL'),
  },
  { name: 'ssh ended by SIGTERM', breakIt: async (_, { sshPids }) => signal(await sshPids(), 'SIGTERM') },
  {
    name: 'network gone for 8 s',
    goneMs: 8_000,
    breakIt: ({ pod }) => pod.cable('swallowing'),
    mend: ({ pod }) => pod.cable('up'),
  },
  {
    name: 'network gone for 20 s',
    goneMs: 20_000,
    breakIt: ({ pod }) => pod.cable('swallowing'),
    mend: ({ pod }) => pod.cable('up'),
  },
  {
    name: 'captive portal for 8 s',
    goneMs: 8_000,
    breakIt: ({ pod }) => pod.portal(true),
    mend: ({ pod }) => pod.portal(false),
    isPossible: CAN_DROP_FLOWS,
  },
  { name: 'flow dropped by a middlebox', breakIt: ({ pod }) => pod.dropFlows(), isPossible: CAN_DROP_FLOWS },
  { name: 'pod moved to another port', breakIt: (net) => net.movePod() },
];

const net = await startTunnelWorld();
const autopod = autopodContender(net);
const autossh = await sshContender(net, 'autossh, keepalive 1 s', { keepaliveSeconds: 1 });
const calmAutossh = await sshContender(net, 'autossh, keepalive 5 s', { keepaliveSeconds: 5 });
const plain = await sshContender(net, 'ssh -L');
const contenders = [autopod, autossh, calmAutossh, plain];
try {
  if (isWanted('healing')) await healing();
  if (isWanted('kept')) say(await keptConnections([autopod, autossh], 10 * RUNS));
  if (isWanted('speed')) await speed();
  if (isWanted('costs')) say(await keeperCosts(net));
} finally {
  for (const contender of contenders) contender.end();
  await net.end();
}

function isWanted(part: 'healing' | 'kept' | 'speed' | 'costs'): boolean {
  return values.only === undefined || values.only === part;
}

async function healing(): Promise<void> {
  const coldMs = median(await repeated(RUNS, () => coldConnection(net)));
  say(
    `A cold ssh connection, from start to the first answer: ${Math.round(coldMs)} ms (median of ${RUNS}).\n`,
  );
  const rows: string[][] = [];
  const faults = FAULTS.filter(({ isPossible = true, name }) => isPossible && name.includes(values.fault));
  for (const fault of faults) {
    const cells: string[] = [];
    let own = 0;
    const over = await fault.during?.(net);
    for (const contender of contenders) {
      const runs = contender === plain ? 1 : fault.goneMs ? Math.ceil(RUNS / 2) : RUNS;
      const results = await repeated(runs, (run) => faced(fault, contender, run));
      const healedMs = median(results.map((result) => result.healedMs));
      if (contender === autopod) own = healedMs;
      const refused = median(results.map((result) => result.refused));
      const isNever = healedMs >= NEVER_MS;
      const ratio = contender === autopod ? '' : `, ${isNever ? '∞' : (healedMs / own).toFixed(1)} ×`;
      cells.push(`${isNever ? 'never' : `${Math.round(healedMs)} ms`}${ratio}, ${refused} refused`);
      process.stderr.write(`${fault.name}, ${contender.name}: ${cells.at(-1)}\n`);
    }
    await over?.();
    rows.push([fault.name, ...cells, `${(own / coldMs).toFixed(2)} ×`]);
  }
  const head = ['fault', ...contenders.map(({ name }) => name), 'autopod : cold connection'];
  say(`Time to the next answer once it is possible again, × autopod's, and connections refused meanwhile:\n`);
  say(markdown(head, rows));
}

/** One fault: how long after it was mended the next answer came, and what an impatient client was refused. */
async function faced(
  fault: Fault,
  contender: Contender,
  run: number,
): Promise<{ healedMs: number; refused: number }> {
  if (!(await contender.answers())) await contender.restart();
  await sleep(2_000);
  const over = new AbortController();
  const probes = probe(contender.port, 50, over.signal);
  await until('answers before', () => probes.answered > 2);
  const broken = performance.now();
  await fault.breakIt(net, contender);
  // Of various lengths, so that no contender's rhythm happens to fit.
  const goneMs = fault.goneMs ? fault.goneMs + run * 730 : 0;
  await sleep(Math.max(0, goneMs - (performance.now() - broken)));
  const mended = performance.now();
  await fault.mend?.(net);
  // An answer that was on its way when ssh died is none that came after.
  const since = mended + (fault.goneMs ? 0 : 20);
  while (probes.lastAnswerAt < since && performance.now() - mended < NEVER_MS) await sleep(2);
  const hasHealed = probes.lastAnswerAt >= since;
  const healedMs = hasHealed ? probes.lastAnswerAt - mended : NEVER_MS;
  over.abort();
  if (!hasHealed) await contender.restart();
  return { healedMs, refused: probes.refused + probes.cut };
}

async function speed(): Promise<void> {
  const gcm = await sshContender(net, 'ssh -L, aes128-gcm', {
    options: ['-o', 'Ciphers=aes128-gcm@openssh.com'],
  });
  const all = [autopod, autossh, plain, gcm];
  for (const contender of [autossh, plain]) await contender.restart();
  const rows = all.map(({ name }) => ({ name, megabytes: [] as number[], ms: [] as number[] }));
  for (const contender of all) await until(`${contender.name} answers`, () => contender.answers(), 30_000);
  // Turn and turn about, so that the machine's moods strike all alike.
  for (let run = 0; run < RUNS; run++) {
    for (const [index, { port }] of all.entries()) {
      rows[index]?.megabytes.push(await throughput(port));
      rows[index]?.ms.push(await latency(port));
    }
  }
  const of = (name: string, what: 'megabytes' | 'ms') =>
    median(rows.find((row) => row.name === name)?.[what] ?? []);
  const cells = rows.map(({ name }) => [
    name,
    `${Math.round(of(name, 'megabytes'))} MB/s`,
    `${(of(autopod.name, 'megabytes') / of(name, 'megabytes')).toFixed(2)} ×`,
    `${of(name, 'ms').toFixed(2)} ms`,
    `${(of(autopod.name, 'ms') / of(name, 'ms')).toFixed(2)} ×`,
  ]);
  gcm.end();
  say(markdown(['', 'download', 'autopod : it', 'a request, alone', 'autopod : it'], cells));
}
