import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inProcess } from '../support/shell.ts';
import { until } from '../support/until.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
let podId = '';
const show = (...argv: string[]) => inProcess(world, argv);

beforeAll(async () => {
  world = await startWorld();
  const answer = await fetch(`${world.simulator.url}/pods`, {
    method: 'POST',
    headers: { authorization: 'Bearer sim-key', 'content-type': 'application/json' },
    body: JSON.stringify({
      name: 'bare',
      image: 'x',
      gpu: { id: 'NVIDIA A40', count: 1 },
      ports: [],
      disk: 10,
    }),
  });
  podId = ((await answer.json()) as { id: string }).id;
  await until('running', async () => (await world.pods())[0]?.status === 'RUNNING');
});
afterAll(() => world.end());

describe('a pod that was made without 22/tcp', () => {
  it.each([
    'up bare --no-tunnel',
    'up bare',
    'ssh bare',
    'tunnel bare',
    'comfy status bare',
    'comfy open bare --no-browser',
    'start bare',
  ])('is told as that by %s', async (words) => {
    const { code, stderr } = await show(...words.split(' '));
    expect([code, stderr]).toEqual([1, expect.stringContaining(`Pod ${podId} has no public ssh port`)]);
    expect(JSON.parse((await show('tunnel', 'list', '--json')).stdout).tunnels).toEqual([]);
  });

  it('is told as that by info, ls and tunnel --all', async () => {
    expect(JSON.parse((await show('info', '--json')).stdout)).toMatchObject({ ssh: null, hasSshPort: false });
    expect((await show('info')).stdout).toMatch(/SSH: +no ssh port/);
    expect(JSON.parse((await show('ls', '--json')).stdout).pods).toMatchObject([{ hasSshPort: false }]);
    expect((await show('ls')).stdout).toContain('RUNNING (no ssh port)');
    const all = await show('tunnel', '--all');
    expect([all.code, all.stderr]).toEqual([
      1,
      expect.stringContaining(`Pod ${podId} has no public ssh port`),
    ]);
  });
});
