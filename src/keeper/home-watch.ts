import { statSync } from 'node:fs';

/**
 * Whether the keeper's home is there. One that is away (not mounted, or something above it closed or renamed) is expected
 * back: what is wanted is in memory meanwhile.
 */
export class HomeWatch {
  readonly #root: string;
  #seen: string | undefined;
  #awaySince: number | undefined;

  constructor(root: string) {
    this.#root = root;
    this.#seen = idOf(root);
  }

  /** `left` when it is away since the last look, `back` when it is there again, and `another` when that is another folder. */
  look(): 'there' | 'left' | 'away' | 'back' | 'another' {
    const now = idOf(this.#root);
    const wasAway = this.#awaySince !== undefined;
    if (now === undefined) {
      this.#awaySince ??= performance.now();
      return wasAway ? 'away' : 'left';
    }
    const isSame = now === this.#seen;
    this.#seen = now;
    this.#awaySince = undefined;
    return isSame ? (wasAway ? 'back' : 'there') : 'another';
  }

  get isAway(): boolean {
    return idOf(this.#root) === undefined;
  }

  /** Milliseconds for which it has been away. */
  get awayMs(): number {
    return this.#awaySince === undefined ? 0 : performance.now() - this.#awaySince;
  }
}

function idOf(root: string): string | undefined {
  try {
    const { dev, ino } = statSync(root);
    return `${dev} ${ino}`;
  } catch {
    return undefined;
  }
}
