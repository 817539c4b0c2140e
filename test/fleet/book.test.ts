import { expect, it } from 'vitest';
import { JobBook } from '../../src/fleet/jobs/book.ts';
import { Sums } from '../../src/fleet/jobs/sums.ts';
import { jobRecord } from '../../src/store/job-record.ts';
import { JobStore } from '../../src/store/jobs.ts';
import { batchFacts, jobFacts } from '../support/job-facts.ts';
import { tempHome } from '../support/temp-home.ts';

const ids = (count: number) =>
  Array.from({ length: count }, (_, n) => `jab${'abcdefghjkmnpqrstuvwxyz'[n]}aa`);

async function storeWith(count: number, from = 0) {
  const store = new JobStore(tempHome());
  const jobs = ids(count).map((jobId, index) =>
    jobFacts({ jobId, batchId: 'batcha', index, createdAt: 1_000 + from, owner: index % 2 ? 'bob' : 'ann' }),
  );
  await store.create(batchFacts({ batchId: 'batcha', count }), jobs);
  return { store, jobs };
}

const watched = (store: JobStore) => {
  const book = new JobBook(store);
  store.onChange = (jobId, record) => book.note(jobId, record);
  return book;
};

const counts = async (book: JobBook, since: number) =>
  (await book.counts(since)).toSorted((a, b) => a.name.localeCompare(b.name));

it('lists and sums are those of the records, whether they were there before or have changed since', async () => {
  const { store } = await storeWith(6);
  const book = watched(store);
  const end = (jobId: string, endedAt: number) =>
    store.update(jobId, ({ facts }) => jobRecord({ ...facts, endedAt, ranMs: 2_000 }, 'done'));
  const [a = '', b = '', c = '', d = '', ...rest] = ids(6);
  // One that changes before all is read is not read over.
  await end(b, 5_000);
  expect(await book.going()).toEqual([a, c, d, ...rest]);
  expect(await book.latest(20)).toEqual([b]);
  await end(c, 4_000);
  await end(a, 6_000);
  expect(await book.latest(20)).toEqual([a, b, c]);
  expect(await book.latest(2)).toEqual([b, c]);
  expect(await counts(book, 0)).toEqual([
    { name: 'ann', jobs: 3, done: 2, files: 0, seconds: 4 },
    { name: 'bob', jobs: 3, done: 1, files: 0, seconds: 2 },
  ]);
  expect(await counts(book, 4_500)).toEqual([
    { name: 'ann', jobs: 1, done: 1, files: 0, seconds: 2 },
    { name: 'bob', jobs: 1, done: 1, files: 0, seconds: 2 },
  ]);
  expect(await counts(new JobBook(store), 4_500)).toEqual(await counts(book, 4_500));
  await store.remove(b);
  expect([await book.latest(20), (await counts(book, 4_500)).map(({ name }) => name)]).toEqual([
    [a, c],
    ['ann'],
  ]);
  // One that is taken up again goes on.
  await store.update(a, ({ facts }) => jobRecord(facts, 'running'));
  expect([await book.latest(20), (await book.going()).at(0)]).toEqual([[c], a]);
});

it('what jobs have cost is told by who had them and where they ran, also of one that another pod took over', async () => {
  const { store } = await storeWith(5);
  const book = watched(store);
  const ran = (jobId: string, podId: string, endedAt: number, usd: number | null) =>
    store.update(jobId, ({ facts }) =>
      jobRecord({ ...facts, endedAt, usd, ranOn: { podId, gpu: 'L4' } } as never, 'done'),
    );
  const [a = '', b = '', c = '', d = ''] = ids(4);
  await ran(a, 'pod1', 5_000, 0.25);
  await ran(c, 'pod1', 6_000, 0.5);
  await ran(b, 'pod1', 6_000, 0.125);
  await ran(d, 'pod2', 7_000, null);
  const inOrder = async (since: number, from = book) =>
    (await from.costs(since)).toSorted(
      (x, y) => x.owner.localeCompare(y.owner) || x.podId.localeCompare(y.podId),
    );
  expect(await inOrder(0)).toEqual([
    { owner: 'ann', podId: 'pod1', usd: 0.75 },
    { owner: 'bob', podId: 'pod1', usd: 0.125 },
    { owner: 'bob', podId: 'pod2', usd: 0 },
  ]);
  expect(await inOrder(5_500)).toEqual([
    { owner: 'ann', podId: 'pod1', usd: 0.5 },
    { owner: 'bob', podId: 'pod1', usd: 0.125 },
    { owner: 'bob', podId: 'pod2', usd: 0 },
  ]);
  await ran(a, 'pod2', 8_000, 0.25);
  expect((await inOrder(0)).slice(0, 2)).toEqual([
    { owner: 'ann', podId: 'pod1', usd: 0.5 },
    { owner: 'ann', podId: 'pod2', usd: 0.25 },
  ]);
  expect(await inOrder(0, new JobBook(store))).toEqual(await inOrder(0));
  // Where a file has gone to, or that it is kept no longer, changes nothing of it.
  const before = await inOrder(0);
  await store.update(a, (record) => jobRecord({ ...record.facts, cleanedAt: 9_000 }, 'done'));
  expect(await inOrder(0)).toEqual(before);
});

it('of a batch that waits some are told, and how many more there are', async () => {
  const { store } = await storeWith(20);
  const book = watched(store);
  await store.update(ids(1)[0] ?? '', ({ facts }) => jobRecord(facts, 'running'));
  expect(await book.goingBriefly(5)).toEqual({ ids: ids(6), unlisted: 14 });
  expect(await book.goingBriefly(50)).toEqual({ ids: ids(20), unlisted: 0 });
});

it('a sum since a time is that of the jobs since then, in whatever order they come and go', () => {
  const sums = new Sums();
  const all = Array.from({ length: 300 }, (_, n) => ({
    at: (n * 7_919) % 101,
    done: n % 3 === 0 ? 1 : 0,
    files: n % 5,
    seconds: n,
    usd: n / 8,
  }));
  const here = new Set<(typeof all)[number]>();
  for (const [n, one] of all.entries()) {
    sums.add(one);
    here.add(one);
    const gone = n % 4 === 3 ? all[n - 2] : undefined;
    if (gone) {
      sums.remove(gone);
      here.delete(gone);
    }
    const since = (n * 31) % 110;
    const meant = [...here].filter(({ at }) => at >= since);
    const total = (value: (one: (typeof all)[number]) => number) =>
      meant.reduce((sum, each) => sum + value(each), 0);
    expect(sums.since(since)).toEqual({
      jobs: meant.length,
      done: total(({ done }) => done),
      files: total(({ files }) => files),
      seconds: total(({ seconds }) => seconds),
      usd: total(({ usd }) => usd),
    });
  }
});
