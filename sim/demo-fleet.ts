import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startSimulator } from './simulator.ts';

/**
 * A studio of three on the simulator, driven by the real command line: a server with its engine, worker and gateway, three
 * members with machines of their own, a pool that grows from nothing and goes back to it, and a server process that is
 * killed while jobs run. Needs Node, an ssh client and Restate's server, which is there in a clone; no account, no root.
 */
const cli = join(import.meta.dirname, 'cli.js');
const home = await mkdtemp(join(tmpdir(), 'ap-fleet-'));
const simulator = await startSimulator({
  scenario: {
    latencies: { provisioningMs: 300, imagePullMs: 1_200, sshdMs: 200, comfyStartMs: 600, stopMs: 200 },
    comfyui: { jobMs: 0 },
  },
});
const JOBS_EACH = 8;
const MEMBERS = ['ann', 'bob', 'cleo'];
const serverEnv: NodeJS.ProcessEnv = {
  ...process.env,
  AUTOPOD_HOME: home,
  AUTOPOD_API_URL: simulator.url,
  RUNPOD_API_KEY: 'sim-key',
  // As in earnest, with shorter waits.
  AUTOPOD_TIMINGS: JSON.stringify({ podPollMs: 500, comfyPollMs: 300, listSettleMs: 3_000 }),
  AUTOPOD_KEEPER_TIMINGS: JSON.stringify({ jobPollMs: 500 }),
};
const address = `127.0.0.1:${await freePort()}`;
let server: ChildProcess | undefined;

try {
  title(
    'autopod serve',
    `Engine, worker and gateway at ${address}; RunPod's API is simulated at ${simulator.url}`,
  );
  server = await serve();

  for (const name of MEMBERS) await member(name);
  title('autopod pool create studio --min 0 --max 3', 'Ann makes the pool: no pods yet, three at most');
  await autopod(
    'ann',
    'pool',
    'create',
    'studio',
    '--min',
    '0',
    '--max',
    '3',
    '--idle',
    '3s',
    '--gpu',
    'RTX A40',
  );
  await autopod('ann', 'pool');

  title(
    'autopod run shapes.json --sweep …',
    `All three hand over ${JOBS_EACH} jobs each; the pool makes pods for them`,
  );
  const runs = MEMBERS.map((name) => runOf(name));
  await untilEnded(5);

  const killed = server.pid ?? 0;
  title(
    `kill -9 ${killed}`,
    `The server's process is killed with ${ended()} of ${MEMBERS.length * JOBS_EACH} jobs ended, and served again`,
  );
  process.kill(killed, 'SIGKILL');
  await once(server, 'exit');
  await sleep(1_500);
  server = await serve();
  await autopod('bob', 'pool', 'show', 'studio');

  const codes = await Promise.all(runs);
  title('Every job ended once');
  for (const [at, name] of MEMBERS.entries()) say(`  ${name}: ${verdict(name, codes[at] ?? null)}`);

  title('autopod pool show studio', 'Nothing is left to do: the pool goes to zero');
  await untilNoPods();
  await autopod('ann', 'pool', 'show', 'studio');
  title('autopod costs', 'Each pays for the time that ComfyUI ran for them');
  await autopod('cleo', 'costs');
  say('\nThat was a studio of three. Nothing was paid for, and nothing is left running.');
} catch (error) {
  say(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  if (server && server.exitCode === null) {
    server.kill('SIGTERM');
    await once(server, 'exit');
  }
  await keepersLeft();
  await simulator.close();
  // The keepers' last words may still come.
  await rm(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

/** Serves until it is ended; resolves when it answers. */
async function serve(): Promise<ChildProcess> {
  const child = spawn(process.execPath, [cli, 'serve', '--listen', address], {
    env: serverEnv,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => said.push(text));
  while (!said.join('').includes('Serving a fleet')) {
    if (child.exitCode !== null) throw new Error(`serve ended: ${said.join('')}`);
    await sleep(50);
  }
  say(`  ${said.join('').trim()} (process ${child.pid})`);
  return child;
}

/** Invites somebody, and logs them in from a machine of their own. */
async function member(name: string): Promise<void> {
  const at = laptop(name);
  mkdirSync(at);
  const key = join(at, 'key');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', key]);
  const config = { providers: { runpod: { ssh_key_path: key } } };
  await writeFile(join(at, 'config.json'), JSON.stringify(config), { mode: 0o600 });
  const invite = await said(['serve', 'invite', name, '--json'], serverEnv);
  await said(['login', (JSON.parse(invite) as { url: string }).url], envOf(name));
  say(`  ${name} is invited, and logs in`);
}

/** One member's run, with what it says. */
async function runOf(name: string): Promise<number | null> {
  const inputs = { bytes: 20_000, count: 1, seconds: 1.2, ext: 'png', filename_prefix: name, seed: 1 };
  const file = join(laptop(name), 'shapes.json');
  await writeFile(file, JSON.stringify({ '1': { class_type: 'SimOutput', inputs, _meta: { title: name } } }));
  const args = ['run', file, '--sweep', `SimOutput.seed=1..${JOBS_EACH}`, '--out', outOf(name)];
  const child = spawn(process.execPath, [cli, ...args], {
    env: envOf(name),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let rest = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) say(`  ${name.padEnd(5)}│ ${line}`);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return code;
}

/** Whether all of somebody's jobs were made, each once, and are here, each once. */
function verdict(name: string, code: number | null): string {
  const here = readdirSync(outOf(name)).filter((file) => file.endsWith('.png'));
  const jobs = jobsOnDisk().filter(({ facts }) => facts.owner === name);
  const done = jobs.filter(({ snapshot }) => snapshot.value === 'done').length;
  const made = madeBy(name);
  const isOnce = here.length === JOBS_EACH && done === JOBS_EACH && made === JOBS_EACH && code === 0;
  if (!isOnce) process.exitCode = 1;
  return `${done} of ${jobs.length} jobs done, made ${made} times in all by ComfyUI, ${here.length} files here, exit code ${code}${isOnce ? '' : ' – NOT as it should be'}`;
}

/** Files that all ComfyUIs have made for somebody, those of pods included that are no more. */
function madeBy(name: string): number {
  return [...simulator.world.pods.values()]
    .flatMap(({ comfyui }) => comfyui.storage.list('output'))
    .filter((path) => path.startsWith(`${name}_`)).length;
}

interface JobOnDisk {
  facts: { owner: string };
  snapshot: { value: string };
}

function jobsOnDisk(): JobOnDisk[] {
  const folder = join(home, 'fleet', 'queue');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as JobOnDisk);
}

function ended(): number {
  return jobsOnDisk().filter(({ snapshot }) => ['done', 'failed', 'cancelled'].includes(snapshot.value))
    .length;
}

async function untilEnded(count: number): Promise<void> {
  await until(() => ended() >= count, `${count} jobs ended`);
}

async function untilNoPods(): Promise<void> {
  await until(() => simulator.world.runningPods.length === 0, 'the pool at zero');
}

async function until(isSo: () => boolean, what: string): Promise<void> {
  for (let waits = 0; !isSo(); waits++) {
    if (waits > 1_200) throw new Error(`not within two minutes: ${what}`);
    await sleep(100);
  }
}

function laptop(name: string): string {
  return join(home, `laptop-${name}`);
}

function outOf(name: string): string {
  return join(laptop(name), 'pictures');
}

function envOf(name: string): NodeJS.ProcessEnv {
  const { RUNPOD_API_KEY: _key, AUTOPOD_API_URL: _url, ...env } = serverEnv;
  return { ...env, AUTOPOD_HOME: laptop(name) };
}

async function autopod(name: string, ...args: string[]): Promise<void> {
  const child = spawn(process.execPath, [cli, ...args], { env: envOf(name), stdio: 'inherit' });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`autopod ${args.join(' ')} ended with ${code}`);
}

async function said(args: string[], env: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn(process.execPath, [cli, ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (more: string) => {
    text += more;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`autopod ${args.join(' ')} ended with ${code}`);
  return text;
}

/** Each leaves by itself when no tunnel is wanted. */
async function keepersLeft(): Promise<void> {
  const sockets = [join(home, 'fleet'), ...MEMBERS.map(laptop)].map((at) => join(at, 'run', 'keeper.sock'));
  for (let waits = 0; sockets.some((path) => existsSync(path)) && waits < 150; waits++) await sleep(100);
}

async function freePort(): Promise<number> {
  const listening = createServer().listen(0, '127.0.0.1');
  await once(listening, 'listening');
  const { port } = listening.address() as AddressInfo;
  listening.close();
  return port;
}

function title(heading: string, meaning?: string): void {
  say(`\n── ${heading} ${'─'.repeat(Math.max(0, 70 - heading.length))}${meaning ? `\n   ${meaning}` : ''}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
