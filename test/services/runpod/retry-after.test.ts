import { describe, expect, it } from 'vitest';
import { retryAfterSeconds } from '../../../src/services/runpod/retry-after.ts';

const date = 'Wed, 21 Oct 2026 07:28:00 GMT';

describe('Retry-After', () => {
  it.each<[string, number]>([
    ['7', 7],
    ['0', 1],
    ['86400', 86_400],
    ['2592000', 2_592_000],
    ['9'.repeat(400), 366 * 86_400],
    ['Wed, 21 Oct 2026 07:28:40 GMT', 40],
    ['Wed, 21 Oct 2026 06:28:00 GMT', 1],
    ['Wednesday, 21-Oct-26 07:29:00 GMT', 60],
    ['-5', 5],
    ['1e3', 5],
    ['1.5', 5],
    ['NaN', 5],
    ['Infinity', 5],
    ['2026', 2_026],
    ['soon', 5],
    ['', 5],
  ])('“%s” asks to wait so many seconds', (said, seconds) => {
    expect(retryAfterSeconds({ 'retry-after': said, date })).toBe(seconds);
  });

  it('a time is nothing without the time of the answer: the clock here may stand elsewhere', () => {
    expect(retryAfterSeconds({ 'retry-after': date })).toBe(5);
  });

  it('asks for nothing where there is none', () => {
    expect(retryAfterSeconds({ date })).toBeUndefined();
  });
});
