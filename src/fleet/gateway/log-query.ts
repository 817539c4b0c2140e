import * as z from 'zod';

/** What may be asked of a pod's log. */
export const logQuery = z.strictObject({
  source: z.enum(['system', 'container']).optional(),
  tail: z.coerce.number().int().min(0).max(5_000).optional(),
  since: z
    .string()
    .regex(/^[\dTZ:.+-]{10,40}$/)
    .optional(),
});
