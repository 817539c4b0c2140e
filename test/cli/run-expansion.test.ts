import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRows } from '../../src/cli/running/rows.ts';
import { readSweep } from '../../src/cli/running/sweep.ts';
import { type Asked, countOf, variants } from '../../src/cli/running/variants.ts';
import type { AutopodError } from '../../src/errors.ts';

const asked = (some: Partial<Asked> = {}): Asked => ({
  changes: [],
  seed: undefined,
  rows: [],
  sweeps: [],
  count: 1,
  ...some,
});
const messageOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    return String((error as AutopodError).detail.message);
  }
  return '';
};

describe('a sweep', () => {
  it.each([
    ['3.cfg=1..10:3', ['1', '4', '7', '10']],
    ['3.cfg=1..4', ['1', '2', '3', '4']],
    ['3.cfg=3..1:-1', ['3', '2', '1']],
    ['3.cfg=0.1..0.3:0.1', ['0.1', '0.2', '0.3']],
    ['3.cfg=-0.5..0.5:.5', ['-0.5', '0', '0.5']],
    ['3.cfg=-1..-1', ['-1']],
    [
      '3.seed=9007199254740993..9007199254740995',
      ['9007199254740993', '9007199254740994', '9007199254740995'],
    ],
    ['3.sampler_name=euler, dpmpp_2m', ['euler', 'dpmpp_2m']],
    ['6.text=["a fox, red","a cat"]', ['a fox, red', 'a cat']],
    ['6.text=a=b', ['a=b']],
    ['3.size=512', ['512']],
  ])('%s has the values %j', (text, values) => {
    expect(readSweep(text)).toEqual({ target: text.slice(0, text.indexOf('=')), values });
  });

  it.each([
    ['3.cfg', 'NODE.INPUT=1..10:3'],
    ['cfg=1..3', 'NODE.INPUT=1..10:3'],
    ['3.cfg=', 'NODE.INPUT=1..10:3'],
    ['3.cfg=1..10:0', 'step is 0'],
    ['3.cfg=1..10:-1', 'above 0'],
    ['3.cfg=10..1', 'below 0'],
    ['3.cfg=a,,b', 'empty'],
    ['3.cfg=0..1e9', ''],
    ['3.cfg=0..1000000000', 'most'],
  ])('%s is refused or a single text, never guessed at', (text, words) => {
    if (words === '') expect(readSweep(text).values).toEqual(['0..1e9']);
    else expect(messageOf(() => readSweep(text))).toContain(words);
  });

  it('a range of any decimals ends where it says and has equal steps', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -2000, max: 2000 }),
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 50 }),
        (from, step, times) => {
          const cents = (number: number) => (number / 100).toFixed(2);
          const { values } = readSweep(`n.x=${cents(from)}..${cents(from + step * times)}:${cents(step)}`);
          expect(values).toHaveLength(times + 1);
          expect(values.map((value) => Math.round(Number(value) * 100))).toEqual(
            Array.from({ length: times + 1 }, (_, at) => from + at * step),
          );
        },
      ),
    );
  });
});

describe('rows', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ap-rows-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = (name: string, content: string): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };

  it('of a CSV: columns are inputs, seed and name; quotes, a BOM and empty cells are what they are', async () => {
    const path = file(
      'a.csv',
      '\ufeff6.text,seed,name,3.cfg\r\n"a ""red"" fox, jumping",7,fox,4.5\r\n\r\ncat,,,\r\n',
    );
    expect(await readRows(path)).toEqual([
      {
        at: `--rows ${path}, line 2`,
        changes: ['6.text=a "red" fox, jumping', '3.cfg=4.5'],
        seed: '7',
        name: 'fox',
      },
      { at: `--rows ${path}, line 4`, changes: ['6.text=cat'], seed: undefined, name: undefined },
    ]);
  });

  it('of a CSV of a spreadsheet with semicolons, and of one with tabs', async () => {
    const row = {
      changes: ['6.text=a, b'],
      seed: '1',
      name: undefined,
      at: expect.stringMatching(/line 2$/),
    };
    const rows = [row];
    expect(await readRows(file('s.csv', '6.text;seed\na, b;1\n'))).toEqual(rows);
    expect(await readRows(file('t.tsv', '6.text\tseed\na, b\t1\n'))).toEqual(rows);
  });

  it('of JSON lines: values as they are, seeds beyond 2^53 with every digit', async () => {
    const path = file(
      'a.jsonl',
      '{"6.text": "7", "3.seed": 18446744073709551615}\n\n{"3.cfg": 4.5, "name": "b", "x.y": null}\n',
    );
    expect(await readRows(path)).toEqual([
      {
        at: `--rows ${path}, line 1`,
        changes: ['6.text=7', '3.seed=18446744073709551615'],
        seed: undefined,
        name: undefined,
      },
      { at: `--rows ${path}, line 3`, changes: ['3.cfg=4.5'], seed: undefined, name: 'b' },
    ]);
  });

  it.each([
    ['twice.csv', '6.text,6.text\na,b\n', 'the column “6.text” twice'],
    ['none.csv', undefined, 'no such file'],
    ['empty.csv', '', 'no rows'],
    ['head.csv', '3.seed\n', 'no rows'],
    ['column.csv', 'prompt\na\n', '“prompt” is neither'],
    ['quote.csv', '3.seed\n"7\n', 'Quote'],
    ['wide.csv', '3.seed\n7,8\n', 'line'],
    ['broken.jsonl', '{"3.seed": 1}\n{"3.seed"\n', 'Line 2 is no JSON'],
    ['list.jsonl', '{"3.seed": 1}\n[1]\n', 'Line 2 is no JSON object'],
  ])('%s is refused with what is wrong', async (name, content, words) => {
    const path = content === undefined ? join(folder, name) : file(name, content);
    await expect(readRows(path)).rejects.toMatchObject({
      detail: { message: expect.stringContaining(words) },
    });
  });
});

describe('the jobs of a run', () => {
  const seedsOf = (some: Partial<Asked>) => [...variants(asked(some))].map(({ seed }) => seed);

  it('are the product of rows, sweeps and count; the last sweep changes fastest', () => {
    const all = asked({
      changes: ['6.text=x'],
      rows: [{ at: '--rows r.csv, line 2', changes: ['5.width=512'], seed: undefined, name: 'small' }],
      sweeps: [readSweep('3.cfg=1,2'), readSweep('3.steps=10,20')],
    });
    expect(countOf(all)).toBe(4);
    expect([...variants(all)].map(({ changes }) => changes.slice(1).join(' '))).toEqual([
      '5.width=512 3.cfg=1 3.steps=10',
      '5.width=512 3.cfg=1 3.steps=20',
      '5.width=512 3.cfg=2 3.steps=10',
      '5.width=512 3.cfg=2 3.steps=20',
    ]);
    expect([...variants(all)][0]).toMatchObject({
      name: 'small',
      changes: ['6.text=x', expect.anything(), '3.cfg=1', '3.steps=10'],
    });
  });

  it('have the seed of the file first and random ones after it', () => {
    expect(seedsOf({ count: 3 })).toEqual(['same', 'random', 'random']);
  });

  it('count up from a seed that is given, beyond 2^53 too', () => {
    expect(seedsOf({ count: 3, seed: '9007199254740991' })).toEqual([
      '9007199254740991',
      '9007199254740992',
      '9007199254740993',
    ]);
  });

  it("have a row's own seed before --seed", () => {
    const rows = [{ at: '--rows r.csv, line 2', changes: [], seed: '5', name: undefined }];
    expect(seedsOf({ rows, seed: 'random' })).toEqual(['5']);
  });

  it('are as many as countOf says', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 }),
        fc.integer({ min: 1, max: 5 }),
        (sizes, count) => {
          const sweeps = sizes.map((size, at) => readSweep(`n.x${at}=1..${size}`));
          const all = [...variants(asked({ sweeps, count }))];
          expect(all).toHaveLength(countOf(asked({ sweeps, count })));
          expect(new Set(all.map(({ changes }) => changes.join())).size).toBe(all.length / count);
        },
      ),
    );
  });

  it('that are too many are refused with their number', () => {
    const sweeps = [readSweep('n.a=1..1000'), readSweep('n.b=1..1000')];
    expect(messageOf(() => countOf(asked({ sweeps })))).toContain('1000000 jobs');
  });
});
