import { afterAll, beforeAll, expect, it } from 'vitest';
import { startWorld, type TestWorld } from '../support/world.ts';

/** What an account may hold that nobody planned for, each in a pod of somebody else. */
const ODD = [
  { env: null },
  { env: { A: null, B: 7 } },
  { gpu: { id: null, count: 1 } },
  { ssh: { proxy: null, direct: { host: null, port: null, username: null } } },
  { mounts: { network: [{ globalVolumeId: 'gsb_1', path: '/data' }] } },
  { status: 'HIBERNATED', cost: null, name: null },
];

let world: TestWorld;
const own = () => world.autopod(['ls', '--json']).then(({ stdout }) => JSON.parse(stdout).pods);

beforeAll(async () => {
  world = await startWorld({ checkAnswers: false });
  for (const [index, odd] of ODD.entries()) {
    const answer = await fetch(`${world.simulator.url}/pods`, {
      method: 'POST',
      headers: { authorization: 'Bearer sim-key', 'content-type': 'application/json', 'user-agent': 'test' },
      body: JSON.stringify({
        name: `odd${index}`,
        image: 'x',
        gpu: { id: 'NVIDIA A40', count: 1 },
        env: { PUBLIC_KEY: 'ssh-ed25519 AAAA somebody@else' },
      }),
    });
    const { id } = (await answer.json()) as { id: string };
    await fetch(`${world.simulator.controlUrl}/pods/${id}/odd`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(odd),
    });
  }
});
afterAll(() => world.end());

it('odd pods in the account stand in the way of nothing: up, ls, logs, stop, start and kill of one’s own', async () => {
  const created = await world.autopod(['up', '--new', '--local-port', 'auto', '--name', 'mine']);
  expect(created.code, created.stderr).toBe(0);
  const pods = await own();
  expect(pods).toHaveLength(ODD.length + 1);
  for (const argv of [
    ['ls'],
    ['info', 'mine'],
    ['logs', 'mine', '--tail', '1'],
    ['stop', 'mine'],
    ['start', 'mine', '--local-port', 'auto'],
    ['doctor'],
    ['kill', '-y', 'mine'],
  ]) {
    const { code, stderr } = await world.autopod(argv);
    if (argv[0] !== 'doctor') expect([argv, code, stderr]).toEqual([argv, 0, stderr]);
    expect(stderr).not.toMatch(/does not understand|bug of its own/);
  }
  expect(await own()).toHaveLength(ODD.length);
});

it('what cannot be read is shown as such', async () => {
  const { stdout } = await world.autopod(['ls']);
  expect(stdout).toMatch(/HIBERNATED/);
  expect(stdout).toMatch(/1x unreadable/);
});
