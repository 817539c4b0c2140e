import type { Fault } from '../faults.ts';
import { wait } from '../world/wait.ts';
import { type Answer, Problem } from './answer.ts';

/** What becomes of a request: an answer, a cut connection, or nothing ever. */
export type Outcome = Answer | 'cut' | 'silence';

/** What a fault does before the operation; undefined lets it happen. @throws Problem */
export async function strikeBefore(fault: Fault, gone: AbortSignal): Promise<Outcome | undefined> {
  switch (fault.kind) {
    case 'dropBefore':
      return 'cut';
    case 'stallBefore':
      return 'silence';
    case 'delay':
      await wait(fault.ms, gone);
      return undefined;
    case '429':
      throw new Problem(429, 'rate limit exceeded for the minute window', {
        headers: { 'retry-after': fault.retryAfter ?? String(fault.retryAfterSeconds) },
      });
    case 'status':
      if (!fault.after) throw new Problem(fault.status, fault.detail);
      return undefined;
    default:
      return undefined;
  }
}

/** What a fault makes of the answer, when the operation has had its effect. */
export function strikeAfter(fault: Fault, answer: Answer): Outcome {
  switch (fault.kind) {
    case 'dropAfter':
      return 'cut';
    case 'stall':
      return 'silence';
    case 'garbage':
      return {
        status: answer.status,
        headers: { 'content-type': 'application/json' },
        raw: '<html>upstream said {"id":',
      };
    case 'status':
      return fault.after ? new Problem(fault.status, fault.detail).answer : answer;
    default:
      return answer;
  }
}
