import { appendFileSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { jobRecord } from '../../../src/store/job-record.ts';
import type { JobStore } from '../../../src/store/jobs.ts';
import { daysAgo, keptFiles, SIGNAL } from './kept-files.ts';
import { startS3 } from './support.ts';

describe('what jobs have made', () => {
  it('goes to the bucket with all of its files, and is on the disk no longer then', async () => {
    const s3 = await startS3();
    const { home, store, mover, job, useBucket, settings } = keptFiles();
    await useBucket(s3);
    const [first, second] = await job('k3f9xw', [5_000, 0]);
    expect(await mover().move(SIGNAL)).toBeNull();
    const { fleet } = await settings.read();
    const folder = `made/${fleet}/k3f9xw/k3f9xw`;
    expect([...s3.bucket().objects.keys()].toSorted()).toEqual([
      `${folder}/k3f9xw.png`,
      `${folder}/sub/1.png`,
    ]);
    expect(
      s3
        .bucket()
        .objects.get(`${folder}/k3f9xw.png`)
        ?.bytes.equals(first?.content as Buffer),
    ).toBe(true);
    const { facts } = (await store.get('k3f9xw')) ?? {};
    expect(facts?.outputs).toMatchObject([
      { path: first?.path, sha256: first?.sha256, stored: { bucket: 's3-1', key: `${folder}/k3f9xw.png` } },
      { path: second?.path, stored: { key: `${folder}/sub/1.png` } },
    ]);
    expect(readdirSync(home.outputs)).toEqual([]);
  });

  it('stays while its job goes on, where no bucket is in use, and where it lay before there was one', async () => {
    const s3 = await startS3();
    const { store, mover, job, useBucket, set } = keptFiles();
    const [early] = await job('early2', [10], { endedAt: daysAgo(1) });
    expect(await mover().move(SIGNAL)).toBeNull();
    await useBucket(s3, { isMoved: false });
    const [going] = await job('going2', [10]);
    await store.update('going2', ({ facts }) => jobRecord(facts, 'downloading'));
    const one = mover();
    for (let pass = 0; pass < 2; pass += 1) expect(await one.move(SIGNAL)).toBeNull();
    expect(s3.bucket().objects.size).toBe(0);
    await store.update('going2', ({ facts }) => jobRecord(facts, 'done'));
    expect(await one.move(SIGNAL)).toBeNull();
    expect([early, going].map((file) => existsSync(file?.path ?? ''))).toEqual([true, false]);
    // Unless that is asked for.
    await set({ since: 0 });
    expect(await one.move(SIGNAL)).toBeNull();
    expect(existsSync(early?.path ?? '')).toBe(false);
  });

  it('stays where it is when another bucket is taken, which gets what comes from then on', async () => {
    const s3 = await startS3({ buckets: ['studio', 'other'] });
    const { mover, job, useBucket, store } = keptFiles();
    await useBucket(s3);
    await job('first2', [10]);
    await mover().move(SIGNAL);
    await useBucket(s3, { bucket: 'other', prefix: '', isMoved: false });
    await job('second', [10]);
    await mover().move(SIGNAL);
    expect([s3.bucket('studio').objects.size, s3.bucket('other').objects.size]).toEqual([1, 1]);
    const buckets = ['first2', 'second'].map(
      async (id) => (await store.get(id))?.facts.outputs?.[0]?.stored?.bucket,
    );
    expect(await Promise.all(buckets)).toEqual(['s3-1', 's3-2']);
  });

  it.each([
    ['refuses', { operation: 'PutObject', kind: 'denied' }, 'storageRefused'],
    ['is full', { operation: 'PutObject', kind: 'full' }, 'storageRefused'],
    ['does not answer', { operation: '*', kind: 'slowDown' }, 'storageUnreachable'],
  ] as const)('waits on the disk while its bucket %s, and goes there later', async (_, fault, code) => {
    const s3 = await startS3();
    const { store, mover, job, useBucket } = keptFiles();
    await useBucket(s3);
    const [file] = await job('k3f9xw', [5_000]);
    s3.faults = [fault];
    const one = mover();
    expect(await one.move(SIGNAL)).toMatchObject({ code });
    expect(existsSync(file?.path ?? '')).toBe(true);
    expect((await store.get('k3f9xw'))?.facts.outputs?.[0]?.stored).toBeUndefined();
    s3.faults = [];
    expect(await one.move(SIGNAL)).toBeNull();
    expect(existsSync(file?.path ?? '')).toBe(false);
    expect(s3.bucket().objects.size).toBe(1);
  });

  it('of which a file was changed on the disk leaves that one there, and says so once', async () => {
    const s3 = await startS3();
    const { mover, job, useBucket, log } = keptFiles();
    await useBucket(s3);
    const [good, bad] = await job('k3f9xw', [5_000, 6_000]);
    appendFileSync(bad?.path ?? '', 'x');
    const one = mover();
    for (let pass = 0; pass < 2; pass += 1) expect(await one.move(SIGNAL)).toBeNull();
    expect([good, bad].map((file) => existsSync(file?.path ?? ''))).toEqual([false, true]);
    expect(log).toEqual([expect.stringContaining(bad?.path ?? '-')]);
  });

  it('is there once, whatever was killed on its way', async () => {
    const s3 = await startS3();
    const { home, store, mover, job, useBucket } = keptFiles();
    await useBucket(s3);
    const [file] = await job('k3f9xw', [5_000]);
    // Put there, and the word of it was lost.
    const ended = (await store.get('k3f9xw')) as Awaited<ReturnType<JobStore['get']>> & object;
    await mover().move(SIGNAL);
    mkdirSync(dirname(file?.path ?? ''), { recursive: true });
    writeFileSync(file?.path ?? '', file?.content as Buffer);
    await store.update('k3f9xw', () => ended);
    expect(await mover().move(SIGNAL)).toBeNull();
    expect([...s3.bucket().timesPut.values()]).toEqual([1]);
    expect(readdirSync(home.outputs)).toEqual([]);
    // Said, and not yet removed.
    mkdirSync(dirname(file?.path ?? ''), { recursive: true });
    writeFileSync(file?.path ?? '', file?.content as Buffer);
    expect(await mover().move(SIGNAL)).toBeNull();
    expect(readdirSync(home.outputs)).toEqual([]);
    expect([...s3.bucket().timesPut.values()]).toEqual([1]);
  });

  it('whose record cannot be written stays on the disk', async () => {
    const s3 = await startS3();
    const { home, mover, job, useBucket } = keptFiles();
    await useBucket(s3);
    const [file] = await job('k3f9xw', [5_000]);
    const one = mover();
    s3.faults = [{ operation: 'HeadObject', kind: 'slowDown', times: 1 }];
    const moved = one.move(SIGNAL);
    rmSync(`${home.jobs}/k3f9xw.json`);
    await moved;
    expect(existsSync(file?.path ?? '')).toBe(true);
  });
});
