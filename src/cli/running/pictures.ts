import type { Context } from '../context.ts';

/** Shows pictures on a terminal that can show them. */
export class Pictures {
  readonly #isWanted: boolean;

  constructor({ out, env }: Context, isWanted: boolean) {
    this.#isWanted = isWanted && out.isLive && Boolean(out.stdout.isTTY) && !out.isJson && !env.CI;
  }

  async show(path: string): Promise<void> {
    if (!this.#isWanted || !/\.(png|jpe?g|webp|gif)$/i.test(path)) return;
  }
}
