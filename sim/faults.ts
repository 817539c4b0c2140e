import * as z from 'zod';

const common = {
  /** The operationId it strikes, or `*` for every one. */
  route: z.string(),
  /** How many requests it strikes. */
  times: z.int().positive().default(1),
  /** How many matching requests pass before it begins. */
  skip: z.int().nonnegative().default(0),
};

/** One scripted failure of the API. */
export const faultSchema = z.discriminatedUnion('kind', [
  /** The connection is cut before anything happens. */
  z.strictObject({ kind: z.literal('dropBefore'), ...common }),
  /** The effect happens and the connection is cut instead of an answer. */
  z.strictObject({ kind: z.literal('dropAfter'), ...common }),
  /** Nothing happens and no answer ever comes. */
  z.strictObject({ kind: z.literal('stallBefore'), ...common }),
  /** The effect happens and no answer ever comes. */
  z.strictObject({ kind: z.literal('stall'), ...common }),
  /** A status of your choice; `after` lets the effect happen first. */
  z.strictObject({
    kind: z.literal('status'),
    status: z.int().min(400).max(599),
    detail: z.string().default('simulated fault'),
    after: z.boolean().default(false),
    ...common,
  }),
  /** The effect happens and the answer is not JSON. */
  z.strictObject({ kind: z.literal('garbage'), ...common }),
  z.strictObject({
    kind: z.literal('429'),
    retryAfterSeconds: z.int().nonnegative().default(1),
    /** The whole of the header instead, such as an HTTP date. */
    retryAfter: z.string().optional(),
    ...common,
  }),
  /** Everything happens, later. */
  z.strictObject({ kind: z.literal('delay'), ms: z.number().nonnegative(), ...common }),
]);

export type Fault = z.output<typeof faultSchema>;
export type FaultInput = z.input<typeof faultSchema>;

/** The faults still to come, each used up request by request. */
export class FaultQueue {
  #pending: Fault[] = [];

  add(faults: readonly Fault[]): void {
    this.#pending.push(...faults.map((fault) => ({ ...fault })));
  }

  clear(): void {
    this.#pending = [];
  }

  get pending(): readonly Fault[] {
    return this.#pending;
  }

  /** The fault that strikes this request, if any. */
  take(operationId: string): Fault | undefined {
    for (const fault of this.#pending) {
      if (fault.route !== operationId && fault.route !== '*') continue;
      if (fault.skip > 0) {
        fault.skip -= 1;
        continue;
      }
      fault.times -= 1;
      if (fault.times === 0) this.#pending = this.#pending.filter((other) => other !== fault);
      return { ...fault };
    }
    return undefined;
  }
}
