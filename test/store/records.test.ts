import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
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
