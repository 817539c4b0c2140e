import type { Context } from './context.ts';

/** Runs one verb; each command module exports one. The answer is the exit code. */
export type Verb<Options> = (
  context: Context,
  /** The first argument: for most verbs the pod as the user named it. */
  named: string | undefined,
  options: Options,
  /** The second argument, where a verb takes one. */
  value?: string,
) => Promise<number>;
