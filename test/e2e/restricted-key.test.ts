import { afterEach, expect, it } from 'vitest';
import { startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
afterEach(() => world.end());

const forbidden = (route: string) => ({
  route,
  kind: 'status' as const,
  status: 403,
  detail: 'no right',
  times: 99,
});

it('an API key that may not read the registered ssh keys makes a pod with the own one, and says so', async () => {
  world = await startWorld({ faults: [forbidden('getSshKeys')] });
  const { code, stderr } = await world.autopod(['up', '--local-port', 'auto']);
  expect(code, stderr).toBe(0);
  expect(stderr).toContain('may not read the ssh keys registered with the account');
  const [pod] = await world.pods();
  expect(pod?.env?.PUBLIC_KEY?.split('\n')).toHaveLength(1);
});

it.each([
  ['createPod', ['up', '--no-tunnel'], 'POST pods'],
  ['listPods', ['ls'], 'GET pods'],
  ['listGpuTypes', ['up', '--dry-run'], 'GET catalog/gpus'],
])('a right that is missing is named: %s', async (route, argv, operation) => {
  world = await startWorld({ faults: [forbidden(route)] });
  const { code, stderr } = await world.autopod(argv);
  expect([code, stderr]).toEqual([
    1,
    expect.stringContaining(`RunPod does not let this API key do that (${operation})`),
  ]);
});
