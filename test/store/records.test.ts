import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Home } from '../../src/store/home.ts';
import { RecordStore, type StoredRecord } from '../../src/store/records.ts';
import { tempHome } from '../support/temp-home.ts';

interface Facts {
  n: number;
}

const record = (n: number): StoredRecord<Facts> => ({
  schema: 1,
  machine: 'pod@1',
  facts: { n },
  snapshot: null,
  savedAt: '2026-01-01T00:00:00.000Z',
});

function storeIn(home: Home) {
  const asides: string[] = [];
  const onSetAside = (_from: string, to: string) => asides.push(to);
  const store = new RecordStore<Facts>({ path: home.pods, locks: home.locks, onSetAside });
  return { store, asides };
}

it('what was written is read back by another store, and only by this user', async () => {
  const home = tempHome();
  await storeIn(home).store.update('a', () => record(1));
  expect((await storeIn(home).store.get('a'))?.facts).toEqual({ n: 1 });
  expect((await stat(home.pods)).mode & 0o777).toBe(0o600);
});

it('changes made at the same time are all kept', async () => {
  const home = tempHome();
  await Promise.all(
    Array.from({ length: 20 }, (_, n) => storeIn(home).store.update(`id-${n}`, () => record(n))),
  );
  expect(Object.keys(await storeIn(home).store.all())).toHaveLength(20);
});

it('a change that throws changes nothing', async () => {
  const home = tempHome();
  const { store } = storeIn(home);
  await store.update('a', () => record(1));
  const before = await readFile(home.pods, 'utf8');
  const fail = () => {
    throw new Error('no');
  };
  await expect(store.update('a', fail)).rejects.toThrow('no');
  expect(await readFile(home.pods, 'utf8')).toBe(before);
});

describe('a file that cannot be read is set aside with its name told, never overwritten (I11)', () => {
  const files: Record<string, string> = {
    truncated: '{"schema":1,"records":{"a":{"sch',
    empty: '',
    'binary garbage': '\u0000\u0001\u0002',
    foreign: '{"pods":[1,2,3]}',
    'an array': '[]',
    'a record of another shape': '{"schema":1,"records":{"a":{"pid":12}}}',
  };
  for (const [title, content] of Object.entries(files)) {
    it(title, async () => {
      const home = tempHome();
      await writeFile(home.pods, content);
      const { store, asides } = storeIn(home);
      expect(await store.all()).toEqual({});
      expect(asides).toHaveLength(1);
      expect(await readFile(asides[0] ?? '', 'utf8')).toBe(content);
      await store.update('a', () => record(1));
      expect(await store.get('a')).toEqual(record(1));
    });
  }
});

it('a file of a later autopod is refused by name and left as it is (I14)', async () => {
  const home = tempHome();
  const content = '{"schema":9,"records":{},"more":true}';
  await writeFile(home.pods, content);
  const { store } = storeIn(home);
  await expect(store.all()).rejects.toMatchObject({ code: 'stateNewer' });
  await expect(store.update('a', () => record(1))).rejects.toMatchObject({ code: 'stateNewer' });
  expect(await readFile(home.pods, 'utf8')).toBe(content);
});

it('a file that may not be read is an error, not an empty store', async () => {
  const home = tempHome();
  const { store } = storeIn({ ...home, pods: join(home.root, 'locks') });
  await expect(store.all()).rejects.toMatchObject({ code: 'stateUnreadable' });
});

it('leaves no drafts behind', async () => {
  const home = tempHome();
  await storeIn(home).store.update('a', () => record(1));
  expect((await readdir(home.root)).filter((name) => name.includes('tmp'))).toEqual([]);
});

describe('a store that knows its file', () => {
  it('sees what another store, or somebody by hand, has changed since', async () => {
    const home = tempHome();
    const [one, other] = [storeIn(home).store, storeIn(home).store];
    for (let n = 0; n < 20; n++) {
      await one.update('a', () => record(n));
      await other.update('b', () => record(n));
      expect(await one.all()).toEqual({ a: record(n), b: record(n) });
      expect(await other.get('a')).toEqual(record(n));
    }
    await writeFile(home.pods, JSON.stringify({ schema: 1, records: { c: record(7) } }));
    await one.update('d', () => record(8));
    expect(await other.all()).toEqual({ c: record(7), d: record(8) });
    await rm(home.pods);
    await one.update('e', () => record(9));
    expect(await one.all()).toEqual({ e: record(9) });
  });

  it('writes what comes at once together, and a change that throws alone is left out', async () => {
    const home = tempHome();
    const { store } = storeIn(home);
    const fail = () => {
      throw new Error('no');
    };
    const all = Array.from({ length: 50 }, (_, n) =>
      store.update(`id-${n}`, n % 10 === 3 ? fail : () => record(n)),
    );
    const ended = await Promise.allSettled(all);
    expect(ended.map(({ status }) => status === 'rejected')).toEqual(all.map((_, n) => n % 10 === 3));
    expect(Object.keys(await storeIn(home).store.all())).toHaveLength(45);
    // A claim for each time the lock was taken: two, not fifty.
    expect(Math.max(...(await readdir(join(home.locks, 'pods.json'))).map(Number))).toBeLessThan(10);
  });

  it('writes a file as JSON would', async () => {
    const home = tempHome();
    const { store } = storeIn(home);
    for (const n of [1, 2])
      await store.update(`id "${n}`, () => ({ ...record(n), snapshot: { text: 'a\nb' } }));
    await store.update('id "1', () => record(3));
    const text = await readFile(home.pods, 'utf8');
    expect(text).toBe(`${JSON.stringify(JSON.parse(text), null, 2)}\n`);
    expect((await store.get('id "1'))?.facts).toEqual({ n: 3 });
    await store.update('id "1', () => undefined);
    await store.update('id "2', () => undefined);
    expect(JSON.parse(await readFile(home.pods, 'utf8'))).toEqual({ schema: 1, records: {} });
  });
});
