import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { lockHolder, tryLock, waitForLock, withLock } from '../../src/store/lock.ts';
import { tempHome } from '../support/temp-home.ts';

const holder = join(import.meta.dirname, 'fixtures', 'hold-lock.ts');
const counter = join(import.meta.dirname, 'fixtures', 'count-under-lock.ts');

it('two takers in one process do not both get the lock', async () => {
  const folder = join(tempHome().locks, 'a');
  const [first, second] = await Promise.all([tryLock(folder), tryLock(folder)]);
  expect([first, second].filter(Boolean)).toHaveLength(1);
});

it('a released lock can be taken again, for ever', async () => {
  const folder = join(tempHome().locks, 'a');
  for (let round = 0; round < 20; round++) await (await waitForLock(folder)).release();
  expect(await lockHolder(folder)).toBeUndefined();
});

it('the lock of a killed process is free at once', async () => {
  const folder = join(tempHome().locks, 'a');
  const child = fork(holder, [folder], {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  await once(child, 'message');
  expect((await lockHolder(folder))?.pid).toBe(child.pid);
  expect(await tryLock(folder)).toBeUndefined();
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(await tryLock(folder)).toBeDefined();
});

it('a holder whose pid now belongs to another process does not hold', async () => {
  const folder = join(tempHome().locks, 'a');
  const lock = await waitForLock(folder);
  await writeFile(
    join(folder, '2'),
    JSON.stringify({ holder: { pid: process.pid, startedAt: 'another boot/1' } }),
  );
  expect(await lockHolder(folder)).toBeUndefined();
  await lock.release();
});

it.runIf(process.getuid?.() === 0 && process.platform === 'linux')(
  'a folder that takes no hard links is named, with the way out',
  async () => {
    const folder = join(tempHome().locks, 'a');
    await mkdir(folder);
    execFileSync('mount', ['--bind', folder, folder]); // a link into it crosses two mounts
    try {
      await expect(tryLock(folder)).rejects.toMatchObject({
        code: 'stateUnreadable',
        detail: { file: dirname(folder), next: expect.stringContaining('AUTOPOD_HOME') },
      });
    } finally {
      execFileSync('umount', [folder]);
    }
  },
);

it('a wait that takes too long names the holder', async () => {
  const folder = join(tempHome().locks, 'a');
  await waitForLock(folder);
  await expect(waitForLock(folder, { timeoutMs: 50 })).rejects.toMatchObject({
    code: 'lockBusy',
    detail: { pid: process.pid },
  });
});

it('an abort ends the wait', async () => {
  const folder = join(tempHome().locks, 'a');
  await waitForLock(folder);
  await expect(waitForLock(folder, { signal: AbortSignal.timeout(30) })).rejects.toMatchObject({
    name: 'AbortError',
  });
});

it('processes that count under the lock lose no count, although some are killed while they hold it', async () => {
  const home = tempHome();
  const folder = join(home.locks, 'count');
  const file = join(home.root, 'count');
  await writeFile(file, '0');
  const counters = Array.from({ length: 4 }, () =>
    fork(counter, [folder, file, '25'], { execArgv: ['--import', 'tsx'] }),
  );
  const killed = Array.from({ length: 3 }, () =>
    fork(holder, [folder], { execArgv: ['--import', 'tsx'], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }),
  );
  for (const child of killed) child.once('message', () => child.kill('SIGKILL'));
  await Promise.all([...counters, ...killed].map((child) => once(child, 'exit')));
  expect(Number(await readFile(file, 'utf8'))).toBe(100);
});

it('the lock is released when the work throws', async () => {
  const folder = join(tempHome().locks, 'a');
  await expect(withLock(folder, {}, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await tryLock(folder)).toBeDefined();
});
