import { isFailureCode } from '../../errors.ts';
import type { Advice, Wording } from '../../inspector/subjects.ts';
import type { JournalEntry } from '../../store/journal.ts';
import { FAILURE_WORDS } from '../text/failures.ts';
import { candidateWords, text } from '../text.ts';

/** The inspector's words. */
export const WORDING: Wording = {
  // A record may carry a code that only a later autopod knows.
  failure: ({ code, detail }) => (isFailureCode(code) ? FAILURE_WORDS[code](detail) : { what: String(code) }),
  pastFailure,
  candidate: candidateWords,
};

/** In the words it was told with then; entries of an earlier autopod have only its code. */
function pastFailure({ reason = '', detail, podId }: JournalEntry): Advice {
  const [code = '', rest = ''] = reason.split(/: (.*)/s);
  if (!isFailureCode(code)) return { what: text.failedBefore(reason) };
  const { what, why } = FAILURE_WORDS[code](detail ?? { podId, detail: rest });
  return what.includes('undefined') ? { what: text.failedBefore(reason) } : { what, why };
}
