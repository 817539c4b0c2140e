import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { writeFileAtomic } from '../store/atomic-file.ts';
import type { FleetHome } from './home.ts';

const shape = z.object({
  /** Where members reach it. */
  url: z.string(),
  /** Of the worker: what was begun there goes on there. */
  workerPort: z.number().int(),
  /** Addresses of a cluster of Restate's that was there. */
  cluster: z.object({ ingress: z.array(z.string()), admin: z.array(z.string()) }).optional(),
  pid: z.number().int(),
  version: z.string(),
  /** Of what is kept; see `LAYOUT`. */
  layout: z.number().int().default(1),
  /** ISO 8601, UTC. */
  since: z.string(),
});

/** What a fleet's server was last started with. */
export type Serving = z.infer<typeof shape>;

export async function lastServing({ serving }: FleetHome): Promise<Serving | undefined> {
  const text = await readFile(serving, 'utf8').catch(() => undefined);
  try {
    return text === undefined ? undefined : shape.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

export function keepServing({ serving }: FleetHome, kept: Serving): Promise<void> {
  return writeFileAtomic(serving, `${JSON.stringify(kept, null, 2)}\n`);
}
