import * as z from 'zod';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const text = (most: number) => z.string().max(most);
const place = text(300);

const input = z.strictObject({
  sha256,
  bytes: z.number().int().min(0),
  /** With its point, or nothing. */
  ext: z.string().regex(/^(\.[a-z0-9]{1,10})?$/),
  /** What it is called where it comes from. */
  name: text(300),
  targets: z.array(z.strictObject({ nodeId: place, input: place })).max(1_000),
});

const job = z.strictObject({
  name: text(200),
  prompt: sha256,
  workflow: sha256.nullable(),
  changes: z.array(text(100_000)).max(1_000),
  seeds: z.record(place, text(40)),
  inputs: z.array(input).max(1_000),
});

/** The jobs of a run as a member sends them: texts and files by their SHA-256, which have been sent before. */
export const manifest = z.strictObject({
  name: text(200).min(1),
  onError: z.enum(['stop', 'go-on']),
  maxCost: z.number().positive().nullable(),
  nameTemplate: text(300).min(1),
  withPreviews: z.boolean(),
  titles: z.record(place, text(300)),
  jobs: z.array(job).min(1).max(100_000),
});

export type Manifest = z.infer<typeof manifest>;
