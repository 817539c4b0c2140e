import { describe, expect, it } from 'vitest';
import { type Ledger, noted, type Sighting, spentUntil } from '../../src/store/ledger.ts';

const look = (bootId: string, spent: number, isRunning = true): Sighting => ({
  podId: 'p',
  bootId,
  isRunning,
  spent,
});
const ledgerOf = (...looks: [Sighting, isLast?: boolean][]): Ledger | undefined =>
  looks.reduce<Ledger | undefined>(
    (ledger, [seen, isLast = false]) => noted(ledger, seen, isLast),
    undefined,
  );
const stopped = look('any', 0, false);

describe('what a pod has cost', () => {
  it('is that of all its runs, and time stopped costs nothing', () => {
    const ledger = ledgerOf([look('1', 2)], [look('1', 3), true], [stopped]);
    expect(spentUntil(ledger, stopped)).toEqual({ run: 0, total: 3, isAtLeast: false });
    expect(spentUntil(ledger, look('2', 1))).toEqual({ run: 1, total: 4, isAtLeast: false });
  });

  it('is money, not what binary fractions make of it', () => {
    const ledger = ledgerOf([look('1', 0.1), true], [look('2', 0.2), true], [stopped]);
    expect(spentUntil(ledger, stopped).total).toBe(0.3);
    expect(spentUntil(ledger, look('3', 1 / 3)).run).toBe(0.3333);
  });

  it('counts a run once, however often it is seen, also after a late answer', () => {
    const ledger = ledgerOf([look('1', 3), true], [stopped], [look('1', 2.9)], [look('1', 3)]);
    expect(spentUntil(ledger, stopped)).toMatchObject({ total: 3, isAtLeast: false });
  });

  it('is at least what was seen, when a run ended elsewhere', () => {
    const ledger = ledgerOf([look('1', 3)]);
    expect(spentUntil(ledger, stopped)).toEqual({ run: 0, total: 3, isAtLeast: true });
    expect(spentUntil(noted(ledger, look('2', 0.5), false), look('2', 1))).toEqual({
      run: 1,
      total: 4,
      isAtLeast: true,
    });
  });

  it('is that of this run, where nothing was kept', () => {
    expect(spentUntil(undefined, look('1', 2))).toEqual({ run: 2, total: 2, isAtLeast: false });
    expect(spentUntil(null, stopped)).toEqual({ run: 0, total: 0, isAtLeast: false });
  });
});
