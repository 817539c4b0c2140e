import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
let podId = '';
beforeAll(async () => {
  world = await startWorld({ latencies: { stopMs: 1_500 } });
  const run = await world.autopod(['up', '--local-port', 'auto']);
  expect(run.code, run.stderr).toBe(0);
  [podId = ''] = await world.podIds();
});
afterAll(() => world.end());

/** Runs a command until it has said something, then interrupts it. */
async function interruptedAfter(words: RegExp, argv: string[]) {
  const { child, ended } = world.start(argv);
  let said = '';
  child.stderr?.on('data', (chunk) => {
    said += chunk;
  });
  await expect.poll(() => said, { timeout: 60_000 }).toMatch(words);
  child.kill('SIGINT');
  return ended;
}

it('a comfy status that is interrupted has begun nothing, and says no more than that', async () => {
  await comfy('down');
  const { code, stderr } = await interruptedAfter(/Waiting for ComfyUI/, ['comfy', 'status']);
  await comfy('up');
  expect([code, stderr]).toEqual([130, expect.stringMatching(/autopod: Interrupted\.\n$/)]);
});

it('restart takes --local-port and --no-tunnel', async () => {
  const tunnels = async () =>
    JSON.parse((await world.autopod(['tunnel', '--status', '--json'])).stdout).tunnels;
  const bare = await world.autopod(['restart', '--no-tunnel']);
  expect([bare.code, bare.stdout]).toEqual([0, expect.stringContaining('No tunnel is kept')]);
  expect(await tunnels()).toEqual([]);
  const { code, stderr } = await world.autopod(['restart', '--local-port', 'auto']);
  expect(code, stderr).toBe(0);
  expect(await tunnels()).toMatchObject([{ podId, state: 'healthy' }]);
});

it('a tunnel that is interrupted while it opens goes on with tunnel', async () => {
  await world.autopod(['tunnel', '--stop']);
  await control('sshd', { state: 'down' });
  const { child, ended } = world.start(['tunnel', '--local-port', 'auto']);
  const opens = async () => (await world.autopod(['tunnel', 'list', '--json'])).stdout;
  await expect.poll(opens, { timeout: 60_000 }).toContain(podId);
  child.kill('SIGINT');
  const { code, stderr } = await ended;
  await control('sshd', { state: 'up' });
  expect([code, stderr]).toEqual([130, expect.stringContaining(`\`autopod tunnel ${podId}\``)]);
  expect((await world.autopod(['tunnel'])).code).toBe(0);
});

it('an interrupted doctor is interrupted, and finds no fault in what it did not look at', async () => {
  await addFaults([{ route: 'listPods', kind: 'stallBefore' }]);
  const { child, ended } = world.start(['doctor']);
  await expect.poll(() => addFaults([]), { timeout: 60_000 }).toEqual({ pendingFaults: [] });
  child.kill('SIGINT');
  const { code, stdout, stderr } = await ended;
  expect([code, stdout, stderr]).toEqual([130, '', 'autopod: Interrupted.\n']);
});

it('an interrupted stop goes on with stop, and not with what starts the pod again', async () => {
  const { code, stderr } = await interruptedAfter(/Stopping/, ['stop']);
  expect([code, stderr]).toEqual([130, expect.stringContaining(`\`autopod stop ${podId}\``)]);
  expect(stderr).not.toContain('autopod up');
  // RunPod is still at it, and refuses another one.
  const again = await world.autopod(['stop']);
  expect(again.code, again.stderr).toBe(0);
  expect((await world.pods())[0]?.status).toBe('EXITED');
});

it('an interrupted start goes on with up', async () => {
  const { code, stderr } = await interruptedAfter(/Starting/, ['start', '--local-port', 'auto']);
  expect([code, stderr]).toEqual([130, expect.stringContaining(`\`autopod up ${podId}`)]);
  const saved = JSON.parse(readFileSync(join(world.home, 'pods.json'), 'utf8')).records;
  expect(Object.keys(saved)).toHaveLength(1);
});

async function comfy(state: 'up' | 'down'): Promise<void> {
  await control('comfy', { state });
}

async function control(what: string, body: object): Promise<void> {
  await fetch(`${world.simulator.controlUrl}/pods/${podId}/${what}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

/** Adds to the faults still to come, and answers which those are. */
async function addFaults(body: object): Promise<unknown> {
  const answer = await fetch(`${world.simulator.controlUrl}/faults`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return answer.json();
}
