import type { Context } from './context.ts';

/** Runs one verb; each command module exports one. The answer is the exit code. */
export type Verb<Options> = (
  context: Context,
  /** The pod as the user named it. */
  named: string | undefined,
  options: Options,
) => Promise<number>;
