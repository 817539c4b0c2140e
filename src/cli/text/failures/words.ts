import type { FailureCode, FailureDetail } from '../../../errors.ts';

/** What happened, why, and what to do next. */
export interface Words {
  what: string;
  why?: string | undefined;
  next?: string | undefined;
}

/** Words for some failures, by what is known of each. */
export type WordsOf = Partial<Record<FailureCode, (detail: FailureDetail) => Words>>;
