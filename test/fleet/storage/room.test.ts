import { createHash, randomBytes } from 'node:crypto';
import { statfsSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Contents } from '../../../src/fleet/jobs/contents.ts';
import { Submissions } from '../../../src/fleet/jobs/submissions.ts';
import { Room } from '../../../src/fleet/storage/room.ts';
import { keptFiles, SIGNAL } from './kept-files.ts';

const GB = 1e9;

describe('a disk without room', () => {
  it('takes nothing more in, and says how much there is', async () => {
    const { home, settings, set } = keptFiles();
    const { bavail, bsize } = statfsSync(home.root);
    await set({ keepFree: bavail * bsize + 50 * GB });
    const room = new Room(home, settings);
    await expect(room.require(0)).rejects.toMatchObject({ code: 'serverDiskFull' });
    const contents = new Contents(home, room);
    const taken = contents.take('a'.repeat(64), { offset: 0, of: 3 }, Buffer.from('abc'));
    await expect(taken).rejects.toMatchObject({ code: 'serverDiskFull' });
    await set({ keepFree: 0 });
    await room.require(0);
  });

  it('has a quota for files of jobs, of which new work is refused beforehand', async () => {
    const { home, settings, set, job, content, store } = keptFiles();
    await job('k3f9xw', [600]);
    content('b'.repeat(64), 0);
    await set({ keepFree: 0, quota: 1_000 });
    const room = new Room(home, settings);
    expect(await room.standing()).toMatchObject({ quota: 1_000, used: 600 + 2 + 1 });
    await room.require(397);
    await expect(room.require(398)).rejects.toMatchObject({ code: 'serverDiskFull' });
    // A submission that was taken in before is answered all the same.
    const contents = new Contents(home, { require: async () => undefined });
    const put = async (text: string) => {
      const sha256 = createHash('sha256').update(text).digest('hex');
      await contents.take(sha256, { offset: 0, of: text.length }, Buffer.from(text));
      return sha256;
    };
    const prompt = await put('{"1":{}}');
    const job1 = { name: 'x', prompt, workflow: null, changes: [], seeds: {}, inputs: [] };
    const manifest = await put(
      JSON.stringify({
        name: 'x',
        onError: 'stop',
        maxCost: null,
        nameTemplate: '{job}.{ext}',
        withPreviews: false,
        titles: {},
        jobs: [job1],
      }),
    );
    const asked = { submission: crypto.randomUUID(), manifest, pool: 'art', priority: 0, owner: 'ann' };
    await set({ quota: 700 });
    const full = new Submissions(home, store, contents, new Room(home, settings));
    await expect(full.accept(asked)).rejects.toMatchObject({ code: 'serverDiskFull' });
    await set({ quota: null });
    const { batchId } = await full.accept(asked);
    await set({ quota: 1 });
    expect((await full.accept(asked)).batchId).toBe(batchId);
  });

  it('has those wait that run, only where nearly nothing is left, until there is some', async () => {
    const { home, settings, set } = keptFiles();
    const { bavail, bsize } = statfsSync(home.root);
    const free = bavail * bsize;
    const room = new Room(home, settings);
    let waits = 0;
    await set({ keepFree: free * 2 });
    await room.await(10, SIGNAL, () => {
      waits += 1;
    });
    expect(waits).toBe(0);
    await set({ keepFree: free * 8 });
    await room.await(10, SIGNAL, () => {
      waits += 1;
      if (waits === 2) void set({ keepFree: 0 });
    });
    expect(waits).toBeGreaterThanOrEqual(2);
  });
});

it('settings that cannot be read refuse new work, and stop none that runs', async () => {
  const { home, settings } = keptFiles();
  writeFileSync(home.storage, '{');
  const room = new Room(home, settings);
  await expect(room.require(0)).rejects.toMatchObject({ code: 'configMalformed' });
  await room.await(10, SIGNAL, () => {
    throw new Error('it waits');
  });
});

it('a content that is asked for is used by that', async () => {
  const { home, content } = keptFiles();
  const contents = new Contents(home, { require: async () => undefined });
  const sha256 = randomBytes(32).toString('hex');
  const path = content(sha256, 6);
  const before = statSync(path).mtimeMs;
  expect(await contents.standing(sha256)).toEqual({ bytes: 1, isWhole: true });
  expect(statSync(path).mtimeMs - before).toBeGreaterThan(5 * 86_400_000);
});
