import * as z from 'zod';
import { podWish } from './shapes.ts';

/** Names of pools go into paths, and into the names of pods. */
export const poolName = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/);
export const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const day = 24 * 3_600_000;
const pods = z.number().int().min(0).max(100);
const lasting = z.number().int().min(1_000).max(day);

export const submitRequest = z.strictObject({
  submission: z.uuid(),
  manifest: sha256,
  pool: poolName,
  priority: z.number().int().min(-100).max(100),
});

export const retryRequest = z.strictObject({ submission: z.uuid(), pool: poolName.optional() });

export const poolRequest = z.strictObject({
  isNew: z.boolean(),
  min: pods.optional(),
  max: pods.optional(),
  idleMs: lasting.optional(),
  patienceMs: lasting.optional(),
  pod: podWish.omit({ name: true }).optional(),
});
