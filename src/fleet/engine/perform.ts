import type { EventObject } from 'xstate';
import { type Failure, toFailure } from '../../errors.ts';
import type { DurableWork, Task } from './durable.ts';

/** How a piece of work ended: well, badly, or not yet. */
export type Result = { output?: unknown } | { failure: Failure } | { isToGoOn: true };

/** What a worker that ends has left undone, and another one takes up. */
class WorkerEnds extends Error {}

/** Does one piece of work, or one box of it, and answers how that ended. Throws where the worker leaves meanwhile: another one takes it up. */
export async function performed(
  { run, boxMs }: DurableWork,
  task: Task,
  key: string,
  attempt: AbortSignal,
  tell: (event: EventObject) => Promise<void>,
): Promise<Result> {
  const box = boxMs === undefined ? undefined : AbortSignal.timeout(boxMs);
  const signal = box ? AbortSignal.any([attempt, box]) : attempt;
  let told: Promise<void> = Promise.resolve();
  const send = (event: EventObject) => {
    if (!signal.aborted) told = told.then(() => tell(event));
  };
  try {
    const output = await run({ key, task, input: task.input as never, signal, send });
    await told;
    return { output };
  } catch (error) {
    if (attempt.aborted) throw new WorkerEnds();
    if (box?.aborted) return { isToGoOn: true };
    return { failure: toFailure(error) };
  }
}
