import { afterAll, beforeAll, expect, it } from 'vitest';
import { inProcess } from '../support/shell.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
let podId = '';
const show = (argv: string[]) => inProcess(world, argv);
const control = (path: string, body: object) =>
  fetch(`${world.simulator.controlUrl}/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
const logged = (...lines: string[]) => control(`pods/${podId}/log`, { source: 'container', lines });
/** Streams of the log that RunPod has opened so far. */
async function streams(): Promise<number> {
  const { requests } = (await (await fetch(`${world.simulator.controlUrl}/requests`)).json()) as {
    requests: { operationId: string; status: number }[];
  };
  return requests.filter((one) => one.operationId === 'getPodLogs' && one.status === 200).length;
}

beforeAll(async () => {
  world = await startWorld();
  const run = await world.autopod(['up', '--no-tunnel']);
  expect(run.code, run.stderr).toBe(0);
  [podId = ''] = await world.podIds();
});
afterAll(() => world.end());

it('shows what there is and ends; each source apart when asked', async () => {
  const both = await show(['logs']);
  expect(both.code).toBe(0);
  expect(both.stdout).toMatch(/system +.*image|system +.*container/i);
  const container = await show(['logs', '--container', '--tail', '5']);
  expect(container.stdout).not.toMatch(/^\S+ +system/m);
  expect(container.stdout.trim().split('\n').length).toBeLessThanOrEqual(5);
});

it('--since and --tail together show the last of those lines', async () => {
  const { stdout } = await show(['logs', '--since', '10m', '--tail', '2']);
  expect(stdout.trim().split('\n')).toHaveLength(2);
});

it.each([
  [[], ['line 1', 'line 2', 'line 3', 'line 4']],
  [
    ['--tail', '2'],
    ['line 2', 'line 3', 'line 4'],
  ],
  [['--tail', '0'], ['line 4']],
  [
    ['--since', '10m', '--tail', '1'],
    ['line 3', 'line 4'],
  ],
])('-f %j begins there and goes on with lines as they come', async (options, shown) => {
  await logged('line 1', 'line 2', 'line 3');
  const before = await streams();
  const { child, ended } = world.start(['logs', '-f', '--container', ...options]);
  let seen = '';
  child.stdout?.on('data', (chunk) => {
    seen += chunk;
  });
  const isFollowing = async () => (shown.length > 1 ? seen.includes('line 3') : (await streams()) > before);
  await expect.poll(isFollowing, { timeout: 60_000 }).toBe(true);
  await logged('line 4');
  await expect.poll(() => seen, { timeout: 60_000 }).toContain('line 4');
  child.kill('SIGINT');
  expect((await ended).code).toBe(0);
  const texts = seen.split('\n').map((line) => line.slice('2026-11-23T02:00:00Z '.length));
  expect(texts.slice(-shown.length - 1)).toEqual([...shown, '']);
  if (options.length > 0) expect(texts).toHaveLength(shown.length + 1);
});

it('--tail 0 without -f is nothing, at once', async () => {
  const before = await streams();
  expect(await show(['logs', '--tail', '0'])).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(await streams()).toBe(before);
});

it('a log that RunPod does not give is told, and is not an empty one', async () => {
  await control('faults', { route: 'getPodLogs', kind: 'status', status: 503, times: 1 });
  const { code, stdout, stderr } = await show(['logs']);
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toContain('RunPod has trouble (HTTP 503)');
});

it('-f says that it tries again', async () => {
  await control('faults', { route: 'getPodLogs', kind: 'status', status: 503, times: 1 });
  const { child, ended } = world.start(['logs', '-f', '--tail', '1']);
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  child.kill('SIGINT');
  const { code, stderr } = await ended;
  expect([code, stderr]).toEqual([0, 'RunPod has trouble (HTTP 503). Trying again\n']);
});
