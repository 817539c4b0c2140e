import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lockHolder, tryLock, waitForLock } from '../../src/store/lock.ts';
import { ownIdentity } from '../../src/store/process-identity.ts';
import { canUnshare, IN_CONTAINER, runBehind, startInContainer } from '../support/namespaces.ts';
import { tempHome } from '../support/temp-home.ts';

const fixture = (name: string) => join(import.meta.dirname, 'fixtures', name);
const boot = ownIdentity().startedAt.split('/')[0];

/** A claim as a process of another boot would have left it. */
function claimElsewhere(folder: string, host: string): void {
  mkdirSync(folder, { recursive: true });
  const holder = { pid: 418, startedAt: 'another-boot/77', namespace: 'pid:[1]', host, command: 'up' };
  writeFileSync(join(folder, '7'), JSON.stringify({ holder, nonce: 'x' }));
}

describe.skipIf(!canUnshare)('a lock between a container and its host', () => {
  it('is held by a process of another pid namespace until that is killed', async () => {
    const folder = join(tempHome().locks, 'a');
    const child = await startInContainer(fixture('hold-lock.ts'), [folder]);
    expect(await tryLock(folder)).toBeUndefined();
    expect(await lockHolder(folder)).toMatchObject({
      namespace: expect.not.stringMatching(`^${ownIdentity().namespace}$`),
    });
    child.kill('SIGKILL');
    await once(child, 'exit');
    await expect.poll(() => lockHolder(folder)).toBeUndefined();
    expect(await tryLock(folder)).toBeDefined();
  });

  it('is held by the host for a container, who names it', async () => {
    const folder = join(tempHome().locks, 'a');
    const lock = await waitForLock(folder);
    const told = JSON.parse(runBehind(IN_CONTAINER, fixture('try-lock.ts'), [folder]));
    expect(told).toMatchObject({ isHad: false, holder: { pid: process.pid, isUnseen: true } });
    await lock.release();
    expect(JSON.parse(runBehind(IN_CONTAINER, fixture('try-lock.ts'), [folder])).isHad).toBe(true);
  });

  it('is held by one that is suspended there, and in a home whose path no socket takes', async () => {
    const folder = join(tempHome().locks, 'long'.repeat(40), 'a');
    mkdirSync(join(folder, '..'));
    const child = await startInContainer(fixture('hold-lock.ts'), [folder]);
    const [pid] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')
      .trim()
      .split(' ')
      .map(Number);
    process.kill(pid as number, 'SIGSTOP');
    expect(await tryLock(folder)).toBeUndefined();
    process.kill(pid as number, 'SIGKILL');
    await once(child, 'exit');
    await expect.poll(() => lockHolder(folder)).toBeUndefined();
  });

  it('is held where /proc shows the processes of another namespace', async () => {
    const folder = join(tempHome().locks, 'a');
    const lock = await waitForLock(folder);
    const words = ['unshare', '--pid', '--fork', '--'];
    expect(JSON.parse(runBehind(words, fixture('try-lock.ts'), [folder])).isHad).toBe(false);
    await lock.release();
  });
});

describe('a claim of another boot', () => {
  it('is over where only one kernel at a time has the files', async () => {
    const folder = join(tempHome().locks, 'a');
    claimElsewhere(folder, 'another-name');
    expect(await tryLock(folder)).toBeDefined();
  });

  // ramfs stands for a network file system: it is none that only one kernel is known to have.
  it.skipIf(!canUnshare)('holds on a network file system, and its machine and file are named', () => {
    const home = tempHome();
    claimElsewhere(join(home.root, 'claims', 'a'), 'another-name');
    claimElsewhere(join(home.root, 'claims', 'b'), hostname());
    const mount = `mount -t ramfs none '${home.locks}' && cp -r '${home.root}/claims/.' '${home.locks}' && exec "$@"`;
    const words = ['unshare', '--mount', '--', 'sh', '-c', mount, 'sh'];
    const told = (name: string) =>
      JSON.parse(runBehind(words, fixture('try-lock.ts'), [join(home.locks, name)]));
    expect(told('a')).toEqual({
      isHad: false,
      holder: { pid: 418, command: 'up', isUnseen: true, host: 'another-name' },
    });
    expect(told('b').isHad, 'this machine, after a reboot').toBe(true);
  });
});

it('a claim of an earlier autopod, without namespace or machine, holds as before', async () => {
  const folder = join(tempHome().locks, 'a');
  mkdirSync(folder);
  const { pid, startedAt } = ownIdentity();
  writeFileSync(join(folder, '3'), JSON.stringify({ holder: { pid, startedAt } }));
  expect((await lockHolder(folder))?.pid).toBe(pid);
  writeFileSync(join(folder, '4'), JSON.stringify({ holder: { pid, startedAt: `${boot}/1` } }));
  expect(await tryLock(folder)).toBeDefined();
});

it('a suspended holder keeps a file from the others for seconds only, and learns that it was passed over', async () => {
  const home = tempHome();
  const folder = join(home.locks, 'a');
  const child = fork(fixture('hold-lock.ts'), [folder], { execArgv: ['--import', 'tsx'] });
  await once(child, 'message');
  child.kill('SIGSTOP');
  const lock = await waitForLock(folder, { suspendedMs: 100, timeoutMs: 20_000 });
  const told = once(child, 'message');
  child.kill('SIGCONT');
  child.send('are you passed over?');
  expect((await told)[0]).toBe(true);
  expect(await lock.isTaken()).toBe(false);
  child.kill('SIGKILL');
  await once(child, 'exit');
});

it('nothing but the highest claim is left behind', async () => {
  const home = tempHome();
  const folder = join(home.locks, 'a');
  for (let round = 0; round < 3; round++) await (await waitForLock(folder)).release();
  expect(readdirSync(folder)).toEqual(['3']);
  expect(readdirSync(home.locks).filter((name) => name.startsWith('alive-'))).toHaveLength(1);
});

it('a lock let go while the home was away is free when the home is back', async () => {
  const home = tempHome();
  const folder = join(home.locks, 'a');
  const lock = await waitForLock(folder);
  renameSync(home.root, `${home.root}-away`);
  await lock.release();
  renameSync(`${home.root}-away`, home.root);
  await (await waitForLock(folder, { timeoutMs: 100 })).release();
  const other = fork(fixture('hold-lock.ts'), [folder], { execArgv: ['--import', 'tsx'] });
  expect((await once(other, 'message'))[0], 'to others, too').toBe('held');
  other.kill('SIGKILL');
  await once(other, 'exit');
});
