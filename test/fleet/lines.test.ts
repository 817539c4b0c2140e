import { expect, it } from 'vitest';
import { unendedBy, waiting } from '../../src/fleet/pools/fair.ts';
import {
  keyOf,
  nextInLine,
  type Place,
  withBehind,
  withFirst,
  withTakenOut,
} from '../../src/fleet/pools/lines.ts';
import type { Entry, PoolState } from '../../src/fleet/pools/pool-types.ts';
import { type SubmittedBatch, unbegunPool, withBatch } from '../../src/fleet/pools/turns.ts';
import { WISH } from './support/pool-wish.ts';

/** A pool with what it keeps beside its state, as the engine does it. */
class Kept {
  state: PoolState = unbegunPool(WISH);
  readonly places = new Map<string, Entry>();

  submit(batchId: string, owner: string, count = 1, priority = 0): Place | undefined {
    const batch: SubmittedBatch = { batchId, owner, count, priority, onError: 'go-on', maxCost: null };
    const behind = withBehind(this.state, batch);
    this.state = behind?.state ?? withBatch(this.state, batch);
    if (behind) this.places.set(keyOf(behind.place), behind.entry);
    return behind?.place;
  }

  draw(): void {
    for (let place = nextInLine(this.state); place; place = nextInLine(this.state)) {
      const entry = this.places.get(keyOf(place)) ?? null;
      this.places.delete(keyOf(place));
      this.state = withFirst(this.state, place, entry);
    }
  }

  takeOut(place: Place): void {
    const entry = this.places.get(keyOf(place));
    if (!entry) throw new Error(`nothing at ${keyOf(place)}`);
    this.places.delete(keyOf(place));
    this.state = withTakenOut(this.state, place, entry);
  }

  /** Hands over the next job of the oldest batch that has one; its batch is over then. */
  hand(owner: string): string | undefined {
    const entry = this.state.entries.find((one) => one.owner === owner && one.next < one.count);
    if (!entry) return undefined;
    this.state = { ...this.state, entries: this.state.entries.filter((one) => one !== entry) };
    return entry.batchId;
  }
}

it('the state is no larger for ten thousand batches than for twenty, and each is handed over in its order', () => {
  const kept = new Kept();
  const sizes: number[] = [];
  for (let n = 0; n < 10_000; n++) {
    kept.submit(`b${n}`, 'ann');
    kept.draw();
    if ([20, 9_999].includes(n)) sizes.push(JSON.stringify(kept.state).length);
  }
  expect((sizes[1] ?? 0) - (sizes[0] ?? 0)).toBeLessThan(40);
  expect([waiting(kept.state), unendedBy(kept.state)]).toEqual([10_000, { ann: 10_000 }]);
  const order: string[] = [];
  for (let batchId = kept.hand('ann'); batchId; batchId = kept.hand('ann')) {
    order.push(batchId);
    kept.draw();
  }
  expect(order).toEqual(Array.from({ length: 10_000 }, (_, n) => `b${n}`));
  expect([kept.places.size, kept.state.lines, waiting(kept.state)]).toEqual([0, [], 0]);
});

it('each person and each priority has a line of its own', () => {
  const kept = new Kept();
  for (let n = 0; n < 30; n++) kept.submit(`a${n}`, 'ann');
  kept.submit('bob', 'bob');
  kept.submit('urgent', 'ann', 3, 10);
  expect(kept.state.entries.map(({ batchId }) => batchId)).toEqual(
    expect.arrayContaining(['a0', 'bob', 'urgent']),
  );
  expect([waiting(kept.state), unendedBy(kept.state)]).toEqual([34, { ann: 33, bob: 1 }]);
});

it('what is taken out of a line before its turn is looked at, and leaves its place empty', () => {
  const kept = new Kept();
  const places = Array.from({ length: 20 }, (_, n) => kept.submit(`b${n}`, 'ann', 2));
  const behind = places.filter((place) => place !== undefined);
  for (const place of [behind[0], behind[3], behind.at(-1)]) if (place) kept.takeOut(place);
  expect(waiting(kept.state)).toBe(40);
  const order = new Set<string>();
  for (let batchId = kept.hand('ann'); batchId; batchId = kept.hand('ann')) {
    order.add(batchId);
    kept.draw();
  }
  expect([order.size, kept.places.size, kept.state.lines]).toEqual([20, 0, []]);
});
