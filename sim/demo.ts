import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startSimulator } from './simulator.ts';

/**
 * The whole life of a pod on the simulator, driven by the real command line: from nothing to a ComfyUI that
 * answers, and back to nothing. Needs Node and an ssh client; no account, no root, no sshd.
 */
const cli = join(import.meta.dirname, 'cli.js');
const home = await mkdtemp(join(tmpdir(), 'ap-demo-'));
const simulator = await startSimulator();

const env: NodeJS.ProcessEnv = {
  ...process.env,
  AUTOPOD_HOME: home,
  AUTOPOD_API_URL: simulator.url,
  RUNPOD_API_KEY: 'sim-key',
};

try {
  await prepareHome();
  title('A RunPod of our own', `The simulator serves RunPod's API at ${simulator.url}`);

  title('autopod up', 'Validate the volume, create the pod where it lives, wait until ComfyUI answers');
  const wish = ['--volume-id', 'abc123xyz', '--gpu', 'RTX A40', '--stop-after', '2h'];
  await autopod('up', ...wish, '--local-port', 'auto');

  const url = await tunnelUrl();
  title(`GET ${url}/system_stats`, 'Through the tunnel, as a browser would');
  const stats = (await (await fetch(`${url}/system_stats`)).json()) as SystemStats;
  say(`  ComfyUI ${stats.system.comfyui_version} on ${stats.devices[0]?.name}`);

  title('autopod info');
  await autopod('info');
  title('autopod extend 1h', 'One hour more, for the keeper here and for the guard in the pod');
  await autopod('extend', '1h');
  title('autopod comfy status');
  await autopod('comfy', 'status');
  title('autopod run fox.json', 'From a workflow to a picture on this machine');
  await autopod('run', await workflow(), '--out', join(home, 'pictures'));
  title('autopod jobs');
  await autopod('jobs');
  title('autopod kill', 'End the pod, close the tunnel');
  await autopod('kill', '--yes');
  title('autopod ls');
  await autopod('ls');
  say('\nThat was the whole lifecycle. Nothing was paid for, and nothing is left running.');
} catch (error) {
  say(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  // After a failure there may be none.
  await run(['tunnel', '--stop', '--all'], 'ignore').catch(() => undefined);
  await keeperLeft();
  await simulator.close();
  // The keeper's last words may still come.
  await rm(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

interface SystemStats {
  system: { comfyui_version: string };
  devices: { name: string }[];
}

async function prepareHome(): Promise<void> {
  const key = join(home, 'demo_key');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'autopod-demo', '-f', key]);
  const config = { providers: { runpod: { ssh_key_path: key } } };
  await writeFile(join(home, 'config.json'), JSON.stringify(config), { mode: 0o600 });
}

/** One that needs no model. */
async function workflow(): Promise<string> {
  const path = join(home, 'fox.json');
  const nodes = {
    '1': {
      class_type: 'EmptyImage',
      inputs: { width: 96, height: 64, batch_size: 1, color: 0xd2691e },
      _meta: { title: 'Fox-coloured' },
    },
    '2': { class_type: 'ImageInvert', inputs: { image: ['1', 0] }, _meta: { title: 'Invert' } },
    '3': {
      class_type: 'SaveImage',
      inputs: { images: ['2', 0], filename_prefix: 'fox' },
      _meta: { title: 'Save' },
    },
  };
  await writeFile(path, JSON.stringify(nodes));
  return path;
}

function autopod(...args: string[]): Promise<void> {
  return run(args, 'inherit');
}

async function run(args: string[], stdio: 'inherit' | 'ignore'): Promise<void> {
  const child = spawn(process.execPath, [cli, ...args], { env, stdio });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`autopod ${args.join(' ')} ended with ${code}`);
}

/** The background process leaves by itself when no tunnel is wanted. */
async function keeperLeft(): Promise<void> {
  for (let waits = 0; existsSync(join(home, 'run', 'keeper.sock')) && waits < 100; waits++) await sleep(100);
}

async function tunnelUrl(): Promise<string> {
  // On a machine that is busy it may be healing at this moment; its port is the same.
  const { stdout } = spawnSync(process.execPath, [cli, 'tunnel', '--status', '--json'], {
    env,
    encoding: 'utf8',
  });
  const { tunnels } = JSON.parse(stdout) as { tunnels: { localPort: number }[] };
  return `http://localhost:${tunnels[0]?.localPort}`;
}

function title(heading: string, meaning?: string): void {
  say(`\n── ${heading} ${'─'.repeat(Math.max(0, 70 - heading.length))}${meaning ? `\n   ${meaning}` : ''}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
