import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { pace, paced } from '../support/pace.ts';
import { inProcess } from '../support/shell.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
let podId = '';
const show = (...argv: string[]) => inProcess(world, argv);
const control = (what: string, body: object = {}) =>
  fetch(`${world.simulator.controlUrl}/pods/${podId}/${what}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
/** Far from the minutes for which ComfyUI is waited for by itself. */
const soonSeconds = () => 6 * pace();

async function timed<T>(work: Promise<T>): Promise<T & { seconds: number }> {
  const begun = Date.now();
  return { ...(await work), seconds: (Date.now() - begun) / 1000 };
}

beforeAll(async () => {
  world = await startWorld();
  const run = await world.autopod(['up', '--local-port', await freePort()]);
  expect(run.code, run.stderr).toBe(0);
  [podId = ''] = await world.podIds();
});
afterAll(() => world.end());

describe.each(['down', 'hanging'])('while ComfyUI is %s', (state) => {
  beforeAll(() => control('comfy', { state }));
  afterAll(() => control('comfy', { state: 'up' }));

  it.each([
    [['tunnel'], 0],
    [['comfy', 'open', '--no-browser'], 1],
  ])('%j does not say that it is available, and ends with %i', async (argv, status) => {
    const { code, stdout } = await show(...argv);
    expect([code, stdout]).toEqual([
      status,
      expect.stringMatching(/^Tunnel open at http:\/\/localhost:\d+; ComfyUI does not answer yet/),
    ]);
  });

  it('comfy status --no-wait says so soon, and where the log is', async () => {
    const { code, stdout, stderr, seconds } = await timed(show('comfy', 'status', '--no-wait'));
    expect([code, stdout]).toEqual([1, 'ComfyUI: Not answering (it has been up)\n']);
    expect(stderr).toMatch(/autopod logs( \w+)? --container/);
    expect(seconds).toBeLessThan(soonSeconds());
  });

  it('comfy status waits as long as it was told to, and says so meanwhile', async () => {
    const { code, stderr, seconds } = await timed(show('comfy', 'status', '--timeout', paced(4)));
    expect(code).toBe(1);
    expect(stderr).toMatch(/Waiting for ComfyUI to start\.\.\. \(\d+s elapsed\)/);
    expect(stderr).toMatch(/autopod logs( \w+)? --container/);
    expect(seconds).toBeGreaterThan(3.5);
    expect(seconds).toBeLessThan(soonSeconds());
  });

  it('with --json there is one JSON value', async () => {
    const { code, stdout, stderr } = await show('comfy', 'status', '--json', '--timeout', paced(1));
    expect([code, JSON.parse(stdout), stderr]).toEqual([1, { podId, isReady: false }, '']);
  });

  it('comfy info tells the same, without the words of a library', async () => {
    const { code, stderr } = await show('comfy', 'info');
    expect([code, stderr]).toEqual([1, expect.stringContaining('does not answer yet')]);
    expect(stderr).not.toContain("Timeout awaiting 'request'");
  });
});

it('comfy status on a pod whose sshd is down says that ssh does not reach it', async () => {
  await control('sshd', { state: 'down' });
  const { code, stderr, seconds } = await timed(show('comfy', 'status', '--timeout', paced(3)));
  await control('sshd', { state: 'up' });
  expect([code, stderr]).toEqual([1, expect.stringContaining('cannot be reached over ssh')]);
  expect(seconds).toBeLessThan(soonSeconds());
  expect((await show('comfy', 'status', '--timeout', paced(20))).code).toBe(0);
});

describe('on the port the pod has', () => {
  beforeEach(() => show('tunnel', '--stop'));

  it('a comfy command opens the tunnel again where it was', async () => {
    const before = (await show('comfy', 'status')).stdout.match(/localhost:(\d+)/)?.[1];
    await show('tunnel', '--stop');
    const after = (await show('comfy', 'status')).stdout.match(/localhost:(\d+)/)?.[1];
    expect(after).toBe(before);
    expect(before).not.toBe('8188');
  });

  it('a comfy command takes another port, which its error names, when that one is taken', async () => {
    const saved = (await show('comfy', 'status')).stdout.match(/localhost:(\d+)/)?.[1];
    await show('tunnel', '--stop');
    const other = createServer().listen(Number(saved), '127.0.0.1');
    await once(other, 'listening');
    const refused = await show('comfy', 'status');
    const elsewhere = await show('comfy', 'status', '--local-port', 'auto');
    other.close();
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('--local-port auto')]);
    expect(elsewhere.code, elsewhere.stderr).toBe(0);
  });
});

describe('on a stopped pod', () => {
  beforeAll(async () => {
    expect((await world.autopod(['stop'])).code).toBe(0);
  });

  it.each([
    [['comfy', 'status']],
    [['comfy', 'status', '--no-wait']],
    [['comfy', 'info']],
    [['comfy', 'open', '--no-browser']],
  ])('%j says that it is stopped, and opens no tunnel but the one that waits', async (argv) => {
    const { code, stdout, stderr } = await show(...argv);
    expect([code, stdout, stderr]).toEqual([1, '', expect.stringContaining('is not running')]);
    expect(JSON.parse((await show('tunnel', 'list', '--json')).stdout).tunnels).toMatchObject([
      { state: 'waitingForPod' },
    ]);
  });

  it('tunnel tells that it waits for the pod, in words', async () => {
    const { code, stdout } = await show('tunnel', '--local-port', 'auto');
    expect([code, stdout]).toEqual([1, expect.stringContaining('waiting for the pod to run')]);
    expect((await show('comfy', 'status', '--timeout', paced(20))).stderr).toContain('is not running');
  });
});
