/** Work for one pod is done one piece after the other; for several, side by side. */
export class Turns {
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #onSettled: () => void;

  constructor(onSettled: () => void) {
    this.#onSettled = onSettled;
  }

  get size(): number {
    return this.#turns.size;
  }

  has(podId: string): boolean {
    return this.#turns.has(podId);
  }

  take<T>(podId: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(podId) ?? Promise.resolve();
    const turn = before.catch(() => undefined).then(work);
    const settled = turn
      .catch(() => undefined)
      .then(() => {
        if (this.#turns.get(podId) === settled) this.#turns.delete(podId);
        this.#onSettled();
      });
    this.#turns.set(podId, settled);
    return turn;
  }
}
