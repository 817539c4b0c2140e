interface Ordered {
  number: number;
  id: string;
}

/** What waits, in a heap as Python's `heapq` keeps one: the first comes next, the others are in no order. */
export class Pending<Item extends Ordered> {
  #items: Item[] = [];

  get items(): readonly Item[] {
    return this.#items;
  }

  push(item: Item): void {
    this.#items.push(item);
    this.#rise(this.#items.length - 1);
  }

  pop(): Item | undefined {
    const last = this.#items.pop();
    const first = this.#items[0];
    if (!first || !last) return last;
    this.#items[0] = last;
    this.#sink(0);
    return first;
  }

  /** Whether one of that id was there. */
  remove(id: string): boolean {
    const at = this.#items.findIndex((item) => item.id === id);
    if (at < 0) return false;
    this.#items.splice(at, 1);
    for (let index = Math.floor(this.#items.length / 2) - 1; index >= 0; index--) this.#sink(index);
    return true;
  }

  clear(): void {
    this.#items = [];
  }

  #rise(from: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #sink(from: number): void {
    let at = from;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= this.#items.length) return;
      const right = left + 1;
      const least = right < this.#items.length && this.#isBefore(right, left) ? right : left;
      if (!this.#isBefore(least, at)) return;
      this.#swap(least, at);
      at = least;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const [one, other] = [this.#items[a], this.#items[b]];
    if (!one || !other) return false;
    return one.number === other.number ? one.id < other.id : one.number < other.number;
  }

  #swap(a: number, b: number): void {
    const [one, other] = [this.#items[a], this.#items[b]];
    if (one && other) [this.#items[a], this.#items[b]] = [other, one];
  }
}
