/** Writes that go to the disk one after the other. One that fails is told, and keeps none from following. */
export class Writes {
  readonly #onFailure: (error: Error) => void;
  #last: Promise<void> = Promise.resolve();

  constructor(onFailure: (error: Error) => void) {
    this.#onFailure = onFailure;
  }

  /** Resolves when all so far are written, or have failed. */
  get done(): Promise<void> {
    return this.#last;
  }

  /** Resolves when this one is written, or has failed. */
  add(write: () => Promise<void>): Promise<void> {
    this.#last = this.#last.then(write).catch(this.#onFailure);
    return this.#last;
  }
}
