/** Work for one key, such as a pod, is done one piece after the other, whatever becomes of each; for several, side by side. */
export class Turns {
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #onSettled: () => void;

  constructor(onSettled: () => void = () => undefined) {
    this.#onSettled = onSettled;
  }

  get size(): number {
    return this.#turns.size;
  }

  has(key: string): boolean {
    return this.#turns.has(key);
  }

  take<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(key) ?? Promise.resolve();
    const turn = before.catch(() => undefined).then(work);
    const settled = turn
      .catch(() => undefined)
      .then(() => {
        if (this.#turns.get(key) === settled) this.#turns.delete(key);
        this.#onSettled();
      });
    this.#turns.set(key, settled);
    return turn;
  }
}
