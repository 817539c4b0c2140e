import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { paced } from '../support/pace.ts';
import { inProcess } from '../support/shell.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
const show = (...argv: string[]) => inProcess(world, argv);
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-/;
const fault = (body?: object) =>
  fetch(`${world.simulator.controlUrl}/faults`, {
    method: body ? 'POST' : 'DELETE',
    headers: { 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });

beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.end());

describe('a launch without a pod', () => {
  beforeEach(async () => {
    await fault({ route: 'createPod', kind: 'dropBefore', times: 50 });
    expect((await show('connect', '--no-tunnel', '--name', 'in-vain', '--timeout', paced(9))).code).toBe(1);
    await fault();
  });

  it('is called that, with its name, by ls, and forgotten by kill', async () => {
    const { stdout } = await inProcess(world, ['ls'], true);
    expect(stdout).toMatch(/in-vain +launch without a pod/);
    expect(stdout).not.toMatch(UUID);
    const { code, stdout: killed, stderr } = await show('kill', '--yes');
    expect([code, killed]).toEqual([0, 'Launch in-vain has no pod and is forgotten.\n']);
    expect(stderr).not.toMatch(UUID);
    expect((await show('ls')).stderr).toContain('No pods');
  });

  it('stop has nothing to stop, and says so', async () => {
    expect((await show('stop', 'in-vain')).stdout).toBe('Launch in-vain has no pod and is forgotten.\n');
  });

  it('is named by every command that needs a pod, with how to go on', async () => {
    for (const verb of ['info', 'ssh', 'logs', 'tunnel', 'start', 'restart']) {
      const { code, stderr } = await show(verb);
      expect([verb, code, stderr]).toEqual([
        verb,
        1,
        'autopod: Launch in-vain has no pod yet.\n  → Continue it with `autopod up`, or give it up with `autopod kill`.\n',
      ]);
    }
    await show('kill', '--yes');
  });

  it('is named where the options of creating are ignored, and where there are several', async () => {
    await fault({ route: 'createPod', kind: 'dropBefore', times: 50 });
    const again = await show('up', '--no-tunnel', '--gpu', 'A40', '--timeout', paced(6));
    expect(again.stderr).toContain('Launch in-vain has already begun');
    const second = await show('connect', '--no-tunnel', '--name', 'again', '--timeout', paced(9));
    expect(second.stderr).toContain('Launch in-vain is unfinished');
    await fault();
    const several = await show('kill');
    expect(several.stderr).toMatch(/in-vain +in-vain +launch without a pod/);
    expect(again.stderr + second.stderr + several.stderr).not.toMatch(UUID);
    for (const name of ['in-vain', 'again']) expect((await show('kill', name, '--yes')).code).toBe(0);
  });
});
