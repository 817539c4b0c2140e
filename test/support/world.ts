import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TestRunner } from 'vitest';
import type { ScenarioInput } from '../../sim/scenario.ts';
import { type Simulator, startSimulator } from '../../sim/simulator.ts';
import { runtimeFolder } from '../../src/keeper/runtime-folder.ts';
import type { components } from '../../src/services/runpod/generated/api.ts';
import { describeHome } from '../../src/store/home.ts';
import { freePort } from './free-port.ts';
import { commandLine, procFile, signal } from './processes.ts';

const cli = join(import.meta.dirname, '..', '..', 'dist', 'cli.js');

/** A boot in well under a second. */
const QUICK: ScenarioInput = {
  latencies: {
    provisioningMs: 50,
    imagePullMs: 100,
    sshdMs: 50,
    comfyStartMs: 150,
    stopMs: 50,
    laterBoot: { provisioningMs: 30, imagePullMs: 30, sshdMs: 30, comfyStartMs: 100 },
  },
};

/** Waits short enough for tests, with the same order among them as in earnest. */
const QUICK_TIMINGS = {
  listSettleMs: 1_500,
  lookAgainMs: 100,
  podPollMs: 100,
  comfyPollMs: 100,
  apiPatienceMs: 8_000,
  apiRetryMs: 200,
  followPollMs: 50,
};

export interface Run {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

type ApiPod = components['schemas']['Pod'];

/** A simulator, a home and the real command line, as one user would have them. */
export interface TestWorld {
  simulator: Simulator;
  home: string;
  env: NodeJS.ProcessEnv;
  /** Runs one command to its end. */
  autopod(args: string[], env?: NodeJS.ProcessEnv): Promise<Run>;
  /** Starts one command and leaves it running. */
  start(args: string[], env?: NodeJS.ProcessEnv): { child: ChildProcess; ended: Promise<Run> };
  /** The account's pods, as RunPod's API lists them. */
  pods(): Promise<ApiPod[]>;
  /** Ids of the pods that exist at the simulator, listed or not. */
  podIds(): Promise<string[]>;
  /** Ids of the processes of this home that run: keeper, guardian, ssh and commands. */
  processes(): number[];
  /** Ends them all as a reboot would; those that come up meanwhile, too. */
  killAll(): Promise<void>;
  /** Of those, the keepers. */
  keeperPids(): number[];
  /** Ends everything that runs for this home. */
  end(): Promise<void>;
}

export async function startWorld(
  scenario: ScenarioInput = {},
  apiKey = 'sim-key',
  homePrefix = 'ap-',
): Promise<TestWorld> {
  const latencies = { ...QUICK.latencies, ...scenario.latencies };
  const simulator = await startSimulator({ apiKey, scenario: { ...QUICK, ...scenario, latencies } });
  const home = mkdtempSync(join(tmpdir(), homePrefix));
  const key = join(home, 'id_test');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', key]);
  writeFileSync(
    join(home, 'config.json'),
    JSON.stringify({
      providers: { runpod: { ssh_key_path: key } },
      defaults: { gpu_preferences: ['RTX A40'] },
    }),
  );
  const env: NodeJS.ProcessEnv = {
    PATH: process.env.PATH,
    HOME: home,
    AUTOPOD_HOME: home,
    AUTOPOD_API_URL: simulator.url,
    AUTOPOD_TIMINGS: JSON.stringify(QUICK_TIMINGS),
    RUNPOD_API_KEY: apiKey,
    // Worlds run side by side.
    AUTOPOD_LOCAL_PORT: await freePort(),
    NO_COLOR: '1',
  };
  const start: TestWorld['start'] = (args, more = {}) => {
    const child = spawn(process.execPath, [cli, ...args], {
      env: { ...env, ...more },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return { child, ended: collect(child) };
  };
  return {
    simulator,
    home,
    env,
    start,
    autopod: (args, more) => start(args, more).ended,
    pods: async () => {
      const answer = await fetch(`${simulator.url}/pods`, { headers: { authorization: `Bearer ${apiKey}` } });
      return ((await answer.json()) as { pods: ApiPod[] }).pods;
    },
    podIds: () => podIds(simulator),
    processes: () => processesOf(home),
    killAll: () => killAll(home),
    keeperPids: () =>
      processesOf(home).filter((pid) => /^[^\0]*node\0.*keeper\.js/.test(procFile(pid, 'cmdline'))),
    end: async () => {
      if (TestRunner.getCurrentTest()?.result?.state === 'fail') tellWhatHappened(home);
      await killAll(home);
      await simulator.close();
      for (const folder of [home, runtimeFolder(describeHome(home))])
        rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** A test's body in a world of its own: for tests that mostly wait, and may run side by side. */
export async function inWorld(
  body: (world: TestWorld) => Promise<void>,
  scenario?: ScenarioInput,
): Promise<void> {
  const world = await startWorld(scenario);
  try {
    await body(world);
  } catch (error) {
    tellWhatHappened(world.home);
    throw error;
  } finally {
    await world.end();
  }
}

/** Waits until nothing of this home runs, or answers what still does after `withinMs`. */
export async function leftRunning(world: TestWorld, withinMs = 15_000): Promise<string[]> {
  const until = Date.now() + withinMs;
  while (world.processes().length > 0 && Date.now() < until) await sleep(100);
  return world.processes().map((pid) => `${pid} ${commandLine(pid)}`);
}

async function collect(child: ChildProcess): Promise<Run> {
  const chunks = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    chunks.stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    chunks.stderr += text;
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, ...chunks };
}

async function podIds({ controlUrl }: Simulator): Promise<string[]> {
  const state = (await (await fetch(`${controlUrl}/state`)).json()) as {
    pods: { id: string; status: string }[];
  };
  return state.pods.filter(({ status }) => status !== 'TERMINATED').map(({ id }) => id);
}

/** What the keeper did in a world whose test has failed. */
function tellWhatHappened(home: string): void {
  for (const name of ['logs/autopod.log', 'journal.jsonl']) {
    const lines = linesOf(join(home, name)).slice(-30);
    process.stderr.write(`--- ${name}\n${lines.join('\n')}\n`);
  }
}

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').trimEnd().split('\n');
  } catch {
    return [];
  }
}

async function killAll(home: string): Promise<void> {
  while (signal(processesOf(home), 'SIGKILL') > 0) await sleep(10);
}

// Every process started for a home carries its path in its environment or on its command line (Linux).
function processesOf(home: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => !/^\d+ \(.*\) Z/.test(procFile(pid, 'stat')))
    .filter((pid) => procFile(pid, 'environ').includes(home) || procFile(pid, 'cmdline').includes(home))
    .map(Number);
}
