import { afterAll, beforeAll, expect, it } from 'vitest';
import type { TunnelView } from '../../src/keeper/client.ts';
import { freePort } from '../support/free-port.ts';
import { signal } from '../support/processes.ts';
import { until } from '../support/until.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
let port = '';
const view = async (): Promise<TunnelView | undefined> =>
  JSON.parse((await world.autopod(['tunnel', '--status', '--json'])).stdout).tunnels[0];

beforeAll(async () => {
  world = await startWorld();
  port = await freePort();
  expect((await world.autopod(['up', '--local-port', port])).code).toBe(0);
});
afterAll(() => world.end());

it('every ssh dies just before requests on kept connections: none of 150 fails', async () => {
  const ask = async () => {
    const answer = await fetch(`http://localhost:${port}/queue`);
    await answer.text();
    return answer.ok ? 'answered' : `status ${answer.status}`;
  };
  const outcomes: string[] = [];
  const five = () =>
    Promise.all(Array.from({ length: 5 }, () => ask().catch((error) => String(error.cause ?? error))));
  expect(await five()).toEqual(Array(5).fill('answered'));
  for (let round = 0; round < 30; round++) {
    const now = await until('an ssh', async () => {
      const seen = await view();
      return seen?.state === 'healthy' && seen.sshPid !== undefined ? seen : undefined;
    });
    signal(
      [now.sshPid, now.standbyPid].filter((pid) => pid !== undefined),
      'SIGKILL',
    );
    outcomes.push(...(await five()));
  }
  expect(outcomes.filter((outcome) => outcome !== 'answered')).toEqual([]);
}, 120_000);
