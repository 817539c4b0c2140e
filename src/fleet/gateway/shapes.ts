import * as z from 'zod';
import { AutopodError } from '../../errors.ts';

// What members may send. Anything else, and anything besides, is refused by name.

const text = (most: number) => z.string().min(1).max(most);
/** Ids and names go into paths, files and a pod's environment. */
const word = (most: number) => text(most).regex(/^[\w .:/@+-]+$/);
const timeoutMs = z
  .number()
  .int()
  .min(1_000)
  .max(24 * 3_600_000);

const stopAfterMs = z.union([
  z
    .number()
    .int()
    .min(1_000)
    .max(365 * 24 * 3_600_000),
  z.literal('never'),
]);

export const podWish = z.strictObject({
  name: word(100),
  image: word(300),
  gpuPreferences: z.array(text(100)).min(1).max(30),
  gpuCount: z.number().int().min(1).max(16),
  minCudaVersion: z
    .string()
    .regex(/^\d+\.\d+$/)
    .optional(),
  diskGb: z.number().int().min(1).max(10_000),
  cloud: z.enum(['SECURE', 'COMMUNITY', 'ALL']),
  dataCenterId: word(40).optional(),
  volumeId: word(60).optional(),
  isVolumeDefault: z.boolean().optional(),
  volumeMount: word(200).regex(/^\//),
  exposedPorts: z
    .array(z.strictObject({ port: z.number().int().min(1).max(65_535), label: text(60).optional() }))
    .max(20),
});

export const upRequest = z.strictObject({
  launchId: z.uuid(),
  pod: word(100).optional(),
  isNew: z.boolean(),
  wish: podWish,
  timeoutMs,
  stopAfterMs: stopAfterMs.optional(),
  idleStopMs: stopAfterMs.optional(),
});

export const planRequest = z
  .strictObject({
    stopAfterMs: stopAfterMs.optional(),
    idleStopMs: stopAfterMs.optional(),
    extendMs: z
      .number()
      .int()
      .min(1_000)
      .max(365 * 24 * 3_600_000)
      .optional(),
  })
  .refine((asked) => Object.keys(asked).length > 0, 'It says nothing of a plan');

export const askRequest = z.strictObject({ timeoutMs });

export const gpuQuery = z.object({
  count: z.coerce.number().int().min(1).max(16),
  cloud: z.enum(['SECURE', 'COMMUNITY']),
  minCudaVersion: z
    .string()
    .regex(/^\d+\.\d+$/)
    .optional(),
});

export const loginRequest = z.strictObject({
  invite: z.string().regex(/^[\w-]{20,100}$/),
  publicKey: text(8_000).nullable(),
});

export const pageRequest = z.strictObject({ code: z.string().regex(/^apc_[\w-]{20,100}$/) });

/** Throws `usage` with the place and the reason. */
export function shaped<T>(shape: z.ZodType<T>, value: unknown): T {
  const { data, error } = shape.safeParse(value);
  if (!error) return data as T;
  const [issue] = error.issues;
  throw new AutopodError('usage', { message: `${issue?.path.join('.') || 'The body'}: ${issue?.message}.` });
}
