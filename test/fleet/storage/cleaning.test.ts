import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { jobRecord } from '../../../src/store/job-record.ts';
import { batchFacts, jobFacts } from '../../support/job-facts.ts';
import { daysAgo, keptFiles, SIGNAL } from './kept-files.ts';
import { startS3 } from './support.ts';

const [A, B, C, D] = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(64)) as [
  string,
  string,
  string,
  string,
];

describe('what members have sent', () => {
  it('is kept for a week after it was last used, and as long as a job waits for it or works with it', async () => {
    const { store, cleaner, content } = keptFiles();
    const old = [content(A, 8), content(A, 8, '.png'), content(D, 8, '.part')];
    const young = content(B, 6);
    const needed = [content(C, 9), content(C, 9, '.png')];
    const input = { path: needed[1] ?? '', sha256: C, bytes: 1, targets: [] };
    await store.create(batchFacts(), [jobFacts({ inputs: [input] })]);
    expect(await cleaner().clean(SIGNAL)).toMatchObject({ inputs: 2 });
    expect([...old, young, ...needed].map((path) => existsSync(path))).toEqual([
      ...[false, false, false],
      true,
      ...[true, true],
    ]);
    // From its end on it is a week again.
    await store.update('k3f9xw', ({ facts }) => jobRecord(facts, 'done'));
    await store.noteBatch('k3f9xw', { isFinished: true });
    expect(await cleaner().clean(SIGNAL)).toMatchObject({ inputs: 0 });
  });

  it('is kept, all of it, while a job that waits cannot be read', async () => {
    const { home, store, cleaner, content } = keptFiles();
    const old = content(A, 8);
    await store.create(batchFacts(), [jobFacts()]);
    const path = join(home.jobs, 'k3f9xw.json');
    const record = JSON.parse(readFileSync(path, 'utf8'));
    writeFileSync(path, JSON.stringify({ ...record, schema: record.schema + 1 }));
    await expect(cleaner().clean(SIGNAL)).rejects.toMatchObject({ code: 'stateNewer' });
    expect(existsSync(old)).toBe(true);
    writeFileSync(path, JSON.stringify(record));
    expect(await cleaner().clean(SIGNAL)).toMatchObject({ inputs: 1 });
  });

  it('is kept for as long as is said, and for ever where that is said', async () => {
    const { cleaner, content, set } = keptFiles();
    const path = content(A, 300);
    await set({ keepInputsMs: null });
    await cleaner().clean(SIGNAL);
    expect(existsSync(path)).toBe(true);
    await set({ keepInputsMs: 86_400_000 });
    await cleaner().clean(SIGNAL);
    expect(existsSync(path)).toBe(false);
  });
});

describe('what jobs have made', () => {
  it('is removed a month after its job has ended, from the disk and from buckets, and the job says when', async () => {
    const s3 = await startS3();
    const { home, store, cleaner, mover, job, useBucket } = keptFiles();
    await useBucket(s3);
    const old = { endedAt: daysAgo(31) };
    await job('aaaaa2', [10, 20], old);
    await mover().move(SIGNAL);
    const [onDisk] = await job('bbbbb2', [10], old);
    const [young] = await job('ccccc2', [10], { endedAt: daysAgo(29) });
    expect(s3.bucket().objects.size).toBe(2);
    const one = cleaner();
    expect(await one.clean(SIGNAL)).toMatchObject({ jobs: 2 });
    expect(s3.bucket().objects.size).toBe(0);
    expect([onDisk, young].map((file) => existsSync(file?.path ?? ''))).toEqual([false, true]);
    expect(readdirSync(home.outputs)).toEqual(['ccccc2']);
    const cleanedAt = async (id: string) => (await store.get(id))?.facts.cleanedAt;
    for (const id of ['aaaaa2', 'bbbbb2']) expect(await cleanedAt(id)).toBeGreaterThan(daysAgo(1));
    expect(await cleanedAt('ccccc2')).toBeUndefined();
    expect(await one.clean(SIGNAL)).toMatchObject({ jobs: 0 });
  });

  it('stays as it is told while its bucket does not answer, and is removed once it does', async () => {
    const s3 = await startS3();
    const { store, cleaner, mover, job, useBucket } = keptFiles();
    await useBucket(s3);
    await job('k3f9xw', [10], { endedAt: daysAgo(31) });
    await mover().move(SIGNAL);
    s3.faults = [{ operation: 'DeleteObject', kind: 'denied' }];
    const one = cleaner();
    await expect(one.clean(SIGNAL)).rejects.toMatchObject({ code: 'storageRefused' });
    expect((await store.get('k3f9xw'))?.facts.cleanedAt).toBeUndefined();
    s3.faults = [];
    expect(await one.clean(SIGNAL)).toMatchObject({ jobs: 1 });
    expect(s3.bucket().objects.size).toBe(0);
  });

  it('in part only, as of a job that failed while it was brought, goes with it', async () => {
    const { home, store, cleaner, job } = keptFiles();
    for (const [jobId, days] of [
      ['aaaaa2', 31],
      ['bbbbb2', 29],
    ] as const) {
      await job(jobId, [10], { endedAt: daysAgo(days) });
      await store.update(jobId, ({ facts }) => jobRecord({ ...facts, outputs: null }, 'failed'));
    }
    await cleaner().clean(SIGNAL);
    expect(readdirSync(home.outputs)).toEqual(['bbbbb2']);
  });

  it('of a job that has not ended is left, however old it is', async () => {
    const { store, cleaner, job } = keptFiles();
    const [file] = await job('k3f9xw', [10], { endedAt: daysAgo(300) });
    await store.update('k3f9xw', ({ facts }) => jobRecord(facts, 'downloading'));
    expect(await cleaner().clean(SIGNAL)).toMatchObject({ jobs: 0 });
    expect(existsSync(file?.path ?? '')).toBe(true);
  });

  it('is kept for ever where that is said', async () => {
    const { cleaner, job, set } = keptFiles();
    const [file] = await job('k3f9xw', [10], { endedAt: daysAgo(3_000) });
    await set({ keepOutputsMs: null });
    expect(await cleaner().clean(SIGNAL)).toMatchObject({ jobs: 0 });
    expect(existsSync(file?.path ?? '')).toBe(true);
  });
});
