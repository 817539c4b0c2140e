import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { inProcess } from '../support/shell.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
let port = '';
const show = (...argv: string[]) => inProcess(world, [...argv, '--dry-run']);
const told = async (...argv: string[]) => JSON.parse((await show(...argv, '--json')).stdout);
const records = () => {
  const { records: kept } = JSON.parse(readFileSync(join(world.home, 'pods.json'), 'utf8'));
  return JSON.stringify(kept);
};
const requests = async () => (await world.pods()).map(({ id, status }) => `${id} ${status}`);

beforeAll(async () => {
  world = await startWorld();
  port = await freePort();
});
afterAll(() => world.end());

describe('up --dry-run says what up does', () => {
  it('creates where there is none, with the port and the planned stop', async () => {
    expect(await told('up', '--local-port', port)).toMatchObject({ action: 'create', podId: null });
    const { stdout } = await show('up', '--local-port', port, '--stop-after', '2h', '--idle-stop', '30m');
    expect(stdout).toContain('Would create');
    expect(stdout).toMatch(/The pod would be stopped at .*, or after 30m without use\./);
    expect(stdout).toContain(`localhost:${port}`);
    expect(await world.podIds()).toEqual([]);
  });

  it('uses the pod that runs, starts the one that is stopped, and creates with --new', async () => {
    const run = await world.autopod(['up', '--local-port', port, '--name', 'art', '--idle-stop', '3h']);
    expect(run.code, run.stderr).toBe(0);
    const [podId] = await world.podIds();
    const [before, pods] = [records(), await requests()];
    expect(await told('up')).toMatchObject({ action: 'use', podId, localPort: Number(port) });
    expect(await told('up', 'art')).toMatchObject({ action: 'use', podId });
    expect((await show('up', '--gpu', 'L40S')).stderr).toContain('options for creating a pod are ignored');
    expect((await show('up')).stdout).toMatch(/Would use pod .* \(art\)[\s\S]*after 3h 00m without use/);
    expect(await told('up', '--new', '--local-port', 'auto')).toMatchObject({ action: 'create' });
    expect(await told('connect', '--local-port', 'auto')).toMatchObject({ action: 'create' });
    expect([records(), await requests()]).toEqual([before, pods]);
    expect((await world.autopod(['stop'])).code).toBe(0);
    expect(await told('up')).toMatchObject({ action: 'start', podId });
    expect((await show('up')).stdout).toMatch(/Would start pod .* which is stopped/);
  });

  it('fails where up does: at a port that is taken, a pod nobody has, and several pods', async () => {
    expect((await world.autopod(['start'])).code).toBe(0);
    const taken = await show('up', '--new', '--local-port', port);
    expect([taken.code, taken.stderr]).toEqual([1, expect.stringContaining(`Port ${port}`)]);
    expect(taken.stdout).toContain('Would create');
    expect((await told('up', 'nobody')).error.code).toBe('podNotFound');
    expect((await world.autopod(['connect', '--no-tunnel'])).code).toBe(0);
    expect((await told('up')).error.code).toBe('podNotChosen');
  });

  it('creates another one where the pod is gone, without forgetting that one', async () => {
    for (const id of await world.podIds())
      await fetch(`${world.simulator.controlUrl}/pods/${id}/terminate`, { method: 'POST' });
    const before = records();
    expect(await told('up', '--local-port', 'auto')).toMatchObject({ action: 'create' });
    expect(records()).toBe(before);
  });
});
