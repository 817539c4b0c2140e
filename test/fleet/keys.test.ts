import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/until.ts';
import { isWholeAsked } from './support/engine.ts';
import { startFleet, type TestFleet, type TestMember } from './support/fleet.ts';
import { type Laptop, laptopOf } from './support/laptop.ts';

const run = promisify(execFile);

describe.skipIf(!isWholeAsked)('the keys of a fleet’s members', () => {
  let fleet: TestFleet;
  let carol: TestMember;
  let ann: Laptop;
  let podId = '';
  let launchId = '';

  beforeAll(async () => {
    fleet = await startFleet();
    carol = await fleet.member('carol', 'admin');
    ann = await laptopOf(fleet, 'ann');
    ({ launchId } = (await carol.up()).launch);
    podId = (await carol.reaches(launchId, 'ready')).podId ?? '';
  });
  afterAll(() => fleet.end());

  /** Whether the pod lets that key in, as sshd has it: nothing else of autopod's is in between. */
  const isLetIn = async ({ key }: Laptop) => {
    const pod = (await fleet.pods()).find(({ id }) => id === podId);
    const { host = '', port = 0 } = pod?.ssh?.direct ?? {};
    const options = [
      'StrictHostKeyChecking=no',
      'UserKnownHostsFile=/dev/null',
      'BatchMode=yes',
      'IdentitiesOnly=yes',
    ];
    const args = [...options.flatMap((one) => ['-o', one]), '-F', '/dev/null', '-i', key, '-p', String(port)];
    return run('ssh', [...args, `root@${host}`, 'true']).then(
      () => true,
      () => false,
    );
  };

  it('are let in at once where somebody joins, and let out at once where somebody leaves', async () => {
    expect(await isLetIn(ann)).toBe(true);
    const bob = await laptopOf(fleet, 'bob');
    await until('bob is let in', () => isLetIn(bob), 20_000);
    expect((await fleet.autopod(['serve', 'remove', 'ann'])).stderr).toContain('taken out of the pods');
    await until('ann is let out', async () => !(await isLetIn(ann)), 20_000);
    expect(await isLetIn(bob)).toBe(true);
    // Of a viewer no key opens a pod.
    await fleet.autopod(['serve', 'invite', 'bob', '--role', 'viewer']);
    await until('bob is let out', async () => !(await isLetIn(bob)), 20_000);
    await fleet.autopod(['serve', 'invite', 'bob', '--role', 'member']);
    await until('bob is let in again', () => isLetIn(bob), 20_000);
  });

  it('stay out when the pod starts again, though it was made with them', async () => {
    await carol.post(`/v1/pods/${podId}/stop`);
    await carol.reaches(launchId, 'stopped');
    await carol.post(`/v1/pods/${podId}/start`);
    await carol.reaches(launchId, 'ready');
    expect((await fleet.pods())[0]?.env?.PUBLIC_KEY).toContain(' ann');
    await until('ann is out', async () => !(await isLetIn(ann)), 20_000);
  });

  it('leave also a pod that did not answer when somebody left, and through a restart of the server', async () => {
    const dan = await laptopOf(fleet, 'dan');
    await until('dan is let in', () => isLetIn(dan), 20_000);
    process.kill(fleet.pids().serve, 'SIGTERM');
    await until('it is not served', async () => (await fleet.autopod(['serve', 'status'])).code === 1);
    const { stderr } = await fleet.autopod(['serve', 'remove', 'dan']);
    expect(stderr).toContain('once the fleet is served again');
    expect(await isLetIn(dan)).toBe(true);
    await fleet.serveAgain();
    await until('dan is let out', async () => !(await isLetIn(dan)), 20_000);
  });
});
