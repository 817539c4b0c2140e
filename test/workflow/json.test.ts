import fc from 'fast-check';
import { parse } from 'lossless-json';
import { describe, expect, it } from 'vitest';
import { parseJson } from '../../src/workflow/json.ts';

/** Number by number, as slow as it is sure. */
const surely = (text: string) =>
  parse(text, null, {
    parseNumber: (digits) =>
      /^-?\d+$/.test(digits) && !Number.isSafeInteger(Number(digits)) ? BigInt(digits) : Number(digits),
  });

/** A number as JSON may have it. */
const number = fc.oneof(
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String),
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  fc.constantFrom(
    '9007199254740991',
    '9007199254740993',
    '-9007199254740993',
    '1234567890123456789.5',
    '-0',
    '1e21',
  ),
);
const text = fc
  .oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('12345678901234567890', '\u{f0000}1', 'NaN', '"', '\\'),
  )
  .map((value) => JSON.stringify(value));
const { json } = fc.letrec<{ json: string }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4 },
    number,
    text,
    fc.constantFrom('null', 'true', 'false'),
    fc.array(tie('json')).map((items) => `[${items.join(', ')}]`),
    fc
      .uniqueArray(fc.tuple(text, tie('json')), { selector: ([key]) => key })
      .map((fields) => `{${fields.map(([key, value]) => `${key}:${value}`).join(',')}}`),
  ),
}));

describe('JSON is read', () => {
  it('as number by number: every digit, every text, every key', () => {
    fc.assert(
      fc.property(json, (given) => {
        expect(parseJson(given)).toEqual(surely(given));
      }),
      { numRuns: 500 },
    );
  });

  it('with long integers anywhere, and texts that look like them left alone', () => {
    const read = parseJson(
      '{"a":[18446744073709551615,"18446744073709551615",-9007199254740993,1.5],"b":{"c":7}}',
    );
    expect(read).toEqual({
      a: [18446744073709551615n, '18446744073709551615', -9007199254740993n, 1.5],
      b: { c: 7 },
    });
    expect(parseJson('18446744073709551615')).toBe(18446744073709551615n);
  });

  it("with Python's words as null, and what is no JSON is told with its place", () => {
    expect(parseJson('[NaN, -Infinity, "NaN"]')).toEqual([null, null, 'NaN']);
    expect(() => parseJson('{"a":')).toThrow(/position 5/);
  });
});
